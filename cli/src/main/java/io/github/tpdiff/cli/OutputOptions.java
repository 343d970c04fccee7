package io.github.tpdiff.cli;

import io.github.tpdiff.weights.NativeFolder;
import io.github.tpdiff.weights.WritablePlace;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where a video goes. */
final class OutputOptions {
  @Option(
      names = {"-o", "--out"},
      defaultValue = "video.mp4",
      description = "The mp4 to write, or the png of one frame (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--sheet",
      description = "Also writes a picture of frames from first to last, a .png beside the mp4.")
  private boolean sheet;

  /**
   * The file to write.
   *
   * @throws IllegalArgumentException if it is neither an mp4 nor a png: better now than after the
   *     sampling
   * @throws io.github.tpdiff.weights.CheckpointException if it cannot be written, likewise
   */
  Path out() {
    if (!out.toString().endsWith(".mp4") && !isPicture(out)) {
      throw new IllegalArgumentException(
          "--out: expected a name ending in .mp4, or in .png for one frame, found " + out);
    }
    WritablePlace.requireFile(out);
    if (!isPicture(out)) {
      NativeFolder.ffmpeg().require();
    }
    return out;
  }

  /** Whether a file to write is one frame alone. */
  static boolean isPicture(Path out) {
    return out.toString().endsWith(".png");
  }

  /**
   * Where the picture of its frames goes, if it is wanted.
   *
   * @throws IllegalArgumentException if the video is a picture itself
   */
  Optional<Path> sheet() {
    if (sheet && isPicture(out)) {
      throw new IllegalArgumentException("--sheet: goes with an .mp4, found " + out);
    }
    String name = out.getFileName().toString();
    return sheet
        ? Optional.of(out.resolveSibling(name.substring(0, name.length() - 4) + ".png"))
        : Optional.empty();
  }
}
