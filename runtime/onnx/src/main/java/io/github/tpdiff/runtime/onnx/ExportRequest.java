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
 * @param loras whether LoRAs can be put on the denoisers later
 */
public record ExportRequest(
    Precisions precisions, Weights weights, OnnxFlavour flavour, StageChoice stages, Loras loras) {

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

  /** What becomes of LoRAs. */
  public enum Loras {
    /** Those of the model are in its weights, and others cannot be put on. */
    MERGED,
    /**
     * Others can be put on when the export runs, and switched without opening its graphs again:
     * their products are inputs of the graphs, which nobody needs to give.
     */
    AT_RUN_TIME
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
        Precisions.all(Precision.KEEP), Weights.COPY, OnnxFlavour.FUSED, stages, Loras.MERGED);
  }

  public ExportRequest withPrecisions(Precisions other) {
    return new ExportRequest(other, weights, flavour, stages, loras);
  }

  public ExportRequest withWeights(Weights other) {
    return new ExportRequest(precisions, other, flavour, stages, loras);
  }

  public ExportRequest withFlavour(OnnxFlavour other) {
    return new ExportRequest(precisions, weights, other, stages, loras);
  }

  public ExportRequest withLoras(Loras other) {
    return new ExportRequest(precisions, weights, flavour, stages, other);
  }
}
