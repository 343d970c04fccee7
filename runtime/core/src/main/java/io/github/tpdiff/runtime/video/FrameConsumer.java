package io.github.tpdiff.runtime.video;

/**
 * Takes frames one after another.
 *
 * @param <E> what it may throw; that ends the video
 */
@FunctionalInterface
public interface FrameConsumer<E extends Exception> {
  void accept(VideoFrame frame) throws E;
}
