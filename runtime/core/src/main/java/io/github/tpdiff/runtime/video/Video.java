package io.github.tpdiff.runtime.video;

/** Frames of one size that come one after another, so that a video need not fit into memory. */
public interface Video {
  /**
   * Size and rate of its frames.
   *
   * @throws IllegalArgumentException if no file can have them
   */
  VideoFormat format();

  /** Hands over each frame in the order of time; from the first one again at every call. */
  <E extends Exception> void decode(FrameConsumer<E> consumer) throws E;
}
