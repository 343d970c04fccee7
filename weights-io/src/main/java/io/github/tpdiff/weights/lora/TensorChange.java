package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Optional;

/** What a LoRA does to one tensor: adds a low-rank product, values given in full, or both. */
public record TensorChange(Optional<LoraPair> pair, Optional<FullChange> full) {

  public static TensorChange of(LoraPair pair) {
    return new TensorChange(Optional.of(pair), Optional.empty());
  }

  /** Without the product; empty when nothing else is left. */
  public Optional<TensorChange> withoutPair() {
    return full.map(own -> new TensorChange(Optional.empty(), full));
  }

  /**
   * Passes a tensor that this can be added to.
   *
   * @param origin of the tensor, for the message
   * @throws CheckpointException when it is not floating or has another shape
   */
  public void requireFits(String origin, TensorInfo info) {
    pair.ifPresent(
        own -> {
          boolean fits =
              info.shape().size() >= 2
                  && info.shape().get(0) == own.out()
                  && info.elementCount() == (long) own.out() * own.in();
          if (!fits || !info.dtype().isFloating()) {
            throw new CheckpointException(
                "%s: tensor '%s': expected floats of shape [%d, %d] to merge the LoRA into, found %s %s"
                    .formatted(
                        origin, info.name(), own.out(), own.in(), info.dtype(), info.shape()));
          }
        });
    full.ifPresent(
        own -> {
          boolean fits = FullChange.squeezed(own.shape()).equals(FullChange.squeezed(info.shape()));
          if (!fits || !info.dtype().isFloating()) {
            throw new CheckpointException(
                "%s: tensor '%s': expected floats of shape %s to add the LoRA's change to, found %s %s"
                    .formatted(origin, info.name(), own.shape(), info.dtype(), info.shape()));
          }
        });
  }

  /**
   * Passes a change that fp32 holds.
   *
   * @param tensor its name, for the message
   * @throws CheckpointException when a product is too large
   */
  public void requireFinite(String tensor, double strength) {
    boolean finite =
        pair.map(own -> own.isFinite(strength)).orElse(true)
            && full.map(own -> own.isFinite(strength)).orElse(true);
    if (!finite) {
      throw new CheckpointException(
          "tensor '%s': expected a change that fp32 holds, found a larger one at strength %s"
              .formatted(tensor, strength));
    }
  }

  /** The Frobenius norm at strength 1; of both kinds together, as if they were orthogonal. */
  public double norm() {
    return Math.hypot(pair.map(LoraPair::norm).orElse(0.0), full.map(FullChange::norm).orElse(0.0));
  }

  /** Adds the change of the elements from {@code first} on, in row-major order. */
  void addTo(float[] elements, long first, double strength) {
    pair.ifPresent(own -> own.addTo(elements, first, strength));
    full.ifPresent(own -> own.addTo(elements, first, strength));
  }
}
