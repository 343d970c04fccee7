package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;

import io.github.tpdiff.weights.NativeFolder;

/** The native library; to be started before anything else of it is touched. */
final class Ffmpeg {
  private Ffmpeg() {}

  /**
   * Loads it where that has not happened yet.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it cannot be unpacked and loaded,
   *     naming the folder and the remedy
   */
  static void start() {
    NativeFolder folder = NativeFolder.ffmpeg();
    folder.require();
    try {
      // Errors come back as codes and are reported by us, once.
      av_log_set_level(AV_LOG_QUIET);
    } catch (LinkageError failure) {
      throw folder.cannotLoad("ffmpeg", failure);
    }
  }
}
