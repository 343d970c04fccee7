package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.DoraPair;
import io.github.tpdiff.weights.lora.KroneckerPair;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.Map;
import java.util.Optional;

/**
 * How one layer of a network is changed by tensors of its own, while its weight stays as it is: a
 * rewrite of the layer on the graph, so that every engine trains, runs and exports it, and the same
 * change as files hold it and as it is merged into the weight.
 *
 * <p>Training, files, merging and export know a change by this alone; a new kind is a new case
 * here.
 */
public sealed interface WeightChange permits LoraModule, DoraModule, LokrModule {
  /** Dotted module name in the checkpoint, e.g. {@code blocks.0.attn1.to_q}. */
  String name();

  /** How many numbers it adds. */
  long values();

  /** The layer's output with the change. */
  Value rewrite(Layer layer);

  /**
   * First values of the tensors that it adds, by weight name; they change nothing yet.
   *
   * @param frozen the network's weights
   */
  Map<String, Parameter> freshParameters(TorchRandom random, TensorSource frozen);

  /**
   * The values that a file has for the tensors that it adds, by weight name, copied.
   *
   * @throws IllegalArgumentException if they are for another layer
   */
  Map<String, Parameter> parametersOf(TensorChange change);

  /**
   * The change of the layer's weight with these values, copied: what files hold and merging adds.
   */
  TensorChange changeOf(Map<String, Parameter> parameters);

  /**
   * The change that a file asks for on the layer; empty where it has none but to the weight itself,
   * or one that is only made there: a LoKr of a convolution, a DoRA with magnitudes of inputs.
   *
   * @param strength a factor on it; 1 as trained
   * @throws IllegalArgumentException if it is for a layer of other sizes
   */
  static Optional<WeightChange> of(Layer layer, TensorChange change, double strength) {
    return change.layer().filter(own -> isBeside(own, layer)).map(own -> of(layer, own, strength));
  }

  private static boolean isBeside(LayerChange change, Layer layer) {
    return change instanceof KroneckerPair
        ? !(layer.y().op() instanceof Op.Conv)
        : !(change instanceof DoraPair dora) || dora.axis() == DoraPair.Axis.OUTPUTS;
  }

  private static WeightChange of(Layer layer, LayerChange change, double strength) {
    if (change instanceof DoraPair dora) {
      return new DoraModule(LoraModule.of(layer, dora.pair(), 1), strength);
    }
    return change instanceof KroneckerPair pair
        ? LokrModule.of(layer, pair, strength)
        : LoraModule.of(layer, (LoraPair) change, strength);
  }
}
