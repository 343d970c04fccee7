package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.media.VideoFrame;

/**
 * Takes decoded frames one after another.
 *
 * @param <E> what it may throw; that ends the decoding
 */
@FunctionalInterface
public interface FrameConsumer<E extends Exception> {
  void accept(VideoFrame frame) throws E;
}
