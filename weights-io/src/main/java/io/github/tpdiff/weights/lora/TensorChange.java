package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a LoRA does to one tensor: changes the weight of a layer, adds values given in full, or both
 * in this order.
 */
public record TensorChange(Optional<LayerChange> layer, Optional<FullChange> full) {

  public static TensorChange of(LayerChange layer) {
    return new TensorChange(Optional.of(layer), Optional.empty());
  }

  /** Without the layer's change; empty when nothing else is left. */
  public Optional<TensorChange> withoutLayer() {
    return full.map(own -> new TensorChange(Optional.empty(), full));
  }

  /**
   * Passes a tensor that this can be added to.
   *
   * @param origin of the tensor, for the message
   * @throws CheckpointException when it is not floating or has another shape
   */
  public void requireFits(String origin, TensorInfo info) {
    layer.ifPresent(
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
        layer.map(own -> own.isFinite(strength)).orElse(true)
            && full.map(own -> own.isFinite(strength)).orElse(true);
    if (!finite) {
      throw new CheckpointException(
          "tensor '%s': expected a change that fp32 holds, found a larger one at strength %s"
              .formatted(tensor, strength));
    }
  }

  /**
   * The change made ready for its tensor, which is read where the change depends on it.
   *
   * @throws CheckpointException when the shapes do not fit or the tensor is not floating
   */
  public PreparedChange on(TensorSource base, String tensor) {
    TensorInfo info = base.require(tensor);
    requireFits(base.origin(), info);
    int size = info.dtype().bytes();
    Optional<PreparedChange> first =
        layer.map(
            own ->
                own.on(
                    (element, count) ->
                        FloatCodec.decode(
                            info.dtype(), base.bytes(tensor, element * size, count * size))));
    List<PreparedChange> parts =
        Stream.concat(first.stream(), full.stream().map(PreparedChange.class::cast)).toList();
    return parts.size() == 1 ? parts.get(0) : new Both(parts);
  }

  /** Several changes, one after the other. */
  private record Both(List<PreparedChange> parts) implements PreparedChange {
    @Override
    public void addTo(float[] elements, long first, double strength) {
      parts.forEach(part -> part.addTo(elements, first, strength));
    }

    /** As if they were orthogonal. */
    @Override
    public double norm() {
      return parts.stream().mapToDouble(PreparedChange::norm).reduce(0, Math::hypot);
    }
  }
}
