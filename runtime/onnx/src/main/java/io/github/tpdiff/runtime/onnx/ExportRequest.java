package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;

/**
 * How a model is exported.
 *
 * @param precisions in which each component is stored and computed
 * @param weights where they lie
 * @param flavour the operators that graphs may use
 * @param stages what is asked of the temporal pyramid that the model is sampled with
 */
public record ExportRequest(
    Precisions precisions, Weights weights, OnnxFlavour flavour, StageChoice stages) {

  /** Where weights lie. */
  public enum Weights {
    /** In one {@code weights.safetensors} beside the graphs that use them. */
    COPY,
    /**
     * In hard links to the checkpoint's files, so that the export takes no space of its own; what
     * cannot lie there (other precision, merged LoRA, another file system) is copied. ONNX Runtime
     * reads hard links, the {@code onnx} Python package refuses them: copy for its checker.
     */
    IN_PLACE
  }

  /** The same, for the stages that the weights were trained for. */
  public static ExportRequest asTrained() {
    return of(StageChoice.asTrained());
  }

  /** The same, with everything said that a configuration says. */
  public static ExportRequest of(StageConfig stages) {
    return of(StageChoice.of(stages));
  }

  /** Copies of the weights as they are, ONNX Runtime's operators. */
  public static ExportRequest of(StageChoice stages) {
    return new ExportRequest(
        Precisions.all(Precision.KEEP), Weights.COPY, OnnxFlavour.FUSED, stages);
  }

  public ExportRequest withPrecisions(Precisions other) {
    return new ExportRequest(other, weights, flavour, stages);
  }

  public ExportRequest withWeights(Weights other) {
    return new ExportRequest(precisions, other, flavour, stages);
  }

  public ExportRequest withFlavour(OnnxFlavour other) {
    return new ExportRequest(precisions, weights, other, stages);
  }
}
