package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.DoraPair;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A DoRA: {@code W} becomes {@code m · (W + scale · B A) / ‖W + scale · B A‖}, one magnitude m and
 * one norm for each output (Liu et al. 2024, eq. 5). As in PEFT no gradient passes through the norm
 * (section 4.3 there), and the layer's bias stays outside.
 *
 * @param product the low-rank change within
 * @param strength a factor on the difference from W; 1 as trained
 */
public record DoraModule(LoraModule product, double strength) implements WeightChange {
  /** Below this a row has no direction, and fp32 no quotient. */
  private static final double SMALLEST = 1e-30;

  @Override
  public String name() {
    return product.name();
  }

  /** Name of m [out]. */
  public String magnitude() {
    return name() + ".lora_magnitude_vector";
  }

  @Override
  public long values() {
    return product.values() + product.out();
  }

  /**
   * {@inheritDoc}
   *
   * <p>Where some of the input is dropped, as PEFT: the layer's output y is of the whole input, and
   * to it is added what W and the product make of the rest, {@code (m/n - 1) W x + m/n s B A x}.
   */
  @Override
  public Value rewrite(Layer layer) {
    Value factor = Value.weight(magnitude(), product.out()).dividedBy(norms(layer));
    Value change = product.product(layer);
    if (layer.drops()) {
      Value own =
          layer.plain().times(perOutput(layer, factor.minus(Value.constant(1)).times(strength)));
      return layer.y().plus(own).plus(change.times(perOutput(layer, factor.times(strength))));
    }
    Value whole = layer.plain().plus(change);
    Value scaled =
        strength == 1
            ? whole.times(perOutput(layer, factor))
            : whole
                .times(perOutput(layer, factor.times(strength)))
                .plus(layer.plain().times(1 - strength));
    return layer.bias().map(bias -> scaled.plus(perOutput(layer, bias))).orElse(scaled);
  }

  /** Numbers of the outputs in the place that the layer has for them. */
  private static Value perOutput(Layer layer, Value numbers) {
    if (!(layer.y().op() instanceof Op.Conv)) {
      return numbers;
    }
    var extents = new ArrayList<Object>(Collections.nCopies(layer.y().shape().rank(), 1L));
    extents.set(1, layer.out());
    return numbers.reshape(extents.toArray());
  }

  /**
   * Norms [out] of the rows of W + s B A, by {@code ‖w‖² + b · (2 s A w + s² A Aᵀ b)}: the product
   * B A, as large as W, is not made.
   */
  private Value norms(Layer layer) {
    long rank = product.rank();
    Value w = layer.w().reshape(layer.out(), layer.in());
    Value a = product.weightA().reshape(rank, layer.in());
    Value b = product.weightB().reshape(layer.out(), rank);
    double s = product.scale();
    Value along = w.linear(a).times(2 * s).plus(b.linear(a.linear(a)).times(s * s));
    float[] ones = new float[product.rank()];
    Arrays.fill(ones, 1);
    Value added = b.times(along).linear(Value.constant(ones, 1, rank));
    Value own = w.l2Norm(1);
    return own.times(own)
        .plus(added)
        .clamp(SMALLEST, Float.MAX_VALUE)
        .apply(Op.UnaryKind.SQRT)
        .detach()
        .reshape(layer.out());
  }

  /**
   * {@inheritDoc}
   *
   * <p>The product's as a LoRA's; the magnitudes are the norms of W.
   */
  @Override
  public Map<String, Parameter> freshParameters(TorchRandom random, TensorSource frozen) {
    Map<String, Parameter> parameters =
        new LinkedHashMap<>(product.freshParameters(random, frozen));
    float[] weight = frozen.floats(name() + Layer.WEIGHT);
    float[] norms = new float[product.out()];
    for (int row = 0; row < norms.length; row++) {
      double squares = 0;
      for (int i = 0; i < product.in(); i++) {
        double value = weight[row * product.in() + i];
        squares += value * value;
      }
      norms[row] = (float) Math.sqrt(squares);
    }
    parameters.put(magnitude(), new Parameter(List.of((long) norms.length), norms));
    return parameters;
  }

  @Override
  public Map<String, Parameter> parametersOf(TensorChange change) {
    DoraPair dora = LayerKinds.require(change, DoraPair.class, name());
    Map<String, Parameter> parameters =
        new LinkedHashMap<>(product.parametersOf(TensorChange.of(dora.pair())));
    parameters.put(
        magnitude(), new Parameter(List.of((long) product.out()), dora.magnitude().clone()));
    return parameters;
  }

  @Override
  public TensorChange changeOf(Map<String, Parameter> parameters) {
    LoraPair pair = product.pairOf(parameters);
    LayerChange dora =
        new DoraPair(pair, Parameter.require(parameters, magnitude()).values().clone());
    return TensorChange.of(dora);
  }
}
