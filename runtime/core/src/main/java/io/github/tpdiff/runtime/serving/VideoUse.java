package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.pipeline.GeneratedVideo;

/**
 * What becomes of a video before its generation is done: {@code GeneratedVideo::clip} gives its
 * frames, {@code video -> VideoWriter.write(file, video)} a file.
 *
 * @param <T> what a {@link Generation} results in
 */
@FunctionalInterface
public interface VideoUse<T> {
  /**
   * Decodes the video, on the device's thread; afterwards it cannot be decoded any more.
   *
   * @throws Exception that the generation ends with
   */
  T use(GeneratedVideo video) throws Exception;
}
