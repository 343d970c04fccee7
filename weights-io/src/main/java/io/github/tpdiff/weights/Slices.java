package io.github.tpdiff.weights;

/** Bounds of payload slices. */
public final class Slices {

  private Slices() {}

  /**
   * Checks that a slice lies in a tensor's payload.
   *
   * @throws CheckpointException when it does not
   */
  public static void check(TensorSource source, TensorInfo info, long offset, int length) {
    if (offset < 0 || length < 0 || offset > info.byteCount() - length) {
      throw new CheckpointException(
          "%s: tensor '%s': expected a slice of its %d bytes, found offset %d, length %d"
              .formatted(source.origin(), info.name(), info.byteCount(), offset, length));
    }
  }
}
