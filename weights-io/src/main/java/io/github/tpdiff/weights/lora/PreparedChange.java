package io.github.tpdiff.weights.lora;

/** A change of a tensor, ready to be made piece by piece. */
public interface PreparedChange {
  /**
   * Changes the elements from {@code first} on, in row-major order.
   *
   * @param elements of the tensor as it is; changed in place
   * @param strength a factor on the whole change; 1 as trained
   */
  void addTo(float[] elements, long first, double strength);

  /** The Frobenius norm of the change at strength 1. */
  double norm();
}
