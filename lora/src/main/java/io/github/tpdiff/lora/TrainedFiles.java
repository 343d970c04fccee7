package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.lora.LoraSum;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Files of what was trained, read and ready to be put on a checkpoint: tensors in full, then LoRAs
 * in their order. The model that comes of it has the stages that they were trained for.
 */
public final class TrainedFiles {
  private final Optional<Path> weights;
  private final ReadLoras loras;

  private interface Placement {
    VideoModel put(VideoModel model, LoraWeights lora, double factor);
  }

  private TrainedFiles(Optional<Path> weights, ReadLoras loras) {
    this.weights = weights;
    this.loras = loras;
  }

  /**
   * Reads files.
   *
   * @param weights tensors trained in full, which are opened and closed with the model
   * @throws io.github.tpdiff.weights.CheckpointException if one cannot be read
   * @throws IllegalArgumentException if LoRAs were trained for different stages
   */
  public static TrainedFiles read(Optional<Path> weights, List<LoraChoice> loras) {
    return new TrainedFiles(weights, ReadLoras.read(loras));
  }

  /** The same, where files that do not say which denoiser they are for are for that. */
  public TrainedFiles otherwiseFor(String denoiser) {
    return new TrainedFiles(weights, loras.otherwiseFor(denoiser));
  }

  /**
   * The checkpoint with the LoRAs' products beside its layers.
   *
   * @throws IllegalArgumentException if a layer is not in the model, or nothing says which of
   *     several denoisers a LoRA is for
   */
  public VideoModel beside(VideoModel base, ReadLoras.Notes notes) {
    return put(base, notes, LoraModels::applied);
  }

  /**
   * The checkpoint with the LoRAs added into its weights when they are read.
   *
   * @throws IllegalArgumentException if a layer is not in the model, or nothing says which of
   *     several denoisers a LoRA is for
   */
  public VideoModel merged(VideoModel base, ReadLoras.Notes notes) {
    return merged(base, notes, UnaryOperator.identity());
  }

  /**
   * The same in other types.
   *
   * @param types of a changed tensor, from its own
   */
  public VideoModel merged(VideoModel base, ReadLoras.Notes notes, UnaryOperator<DType> types) {
    return put(base, notes, (model, lora, factor) -> LoraModels.merged(model, lora, factor, types));
  }

  private static VideoModel replaced(VideoModel base, Path file) {
    TensorSource trained = Checkpoint.open(file);
    try {
      return LoraModels.replaced(base, trained);
    } catch (RuntimeException failure) {
      trained.close();
      throw failure;
    }
  }

  private VideoModel put(VideoModel base, ReadLoras.Notes notes, Placement placement) {
    VideoModel whole = weights.map(file -> replaced(base, file)).orElse(base);
    // A layer is changed once, by the sum of all that are for its denoiser.
    Map<String, List<LoraSum.Term>> byDenoiser =
        loras.byDenoiser(
            whole.description().flow(), denoiser -> LoraModels.fit(whole, denoiser), notes);
    VideoModel model = whole;
    for (List<LoraSum.Term> terms : byDenoiser.values()) {
      model = put(model, terms, placement);
    }
    return model;
  }

  /** What does not add up is merged one after the other, but for the last. */
  private static VideoModel put(VideoModel base, List<LoraSum.Term> terms, Placement placement) {
    if (terms.size() > 1 && LoraSum.isPossible(terms)) {
      return placement.put(base, LoraSum.of(terms), 1);
    }
    VideoModel model = base;
    for (LoraSum.Term term : terms.subList(0, terms.size() - 1)) {
      model = LoraModels.merged(model, term.weights(), term.factor(), type -> DType.F32);
    }
    LoraSum.Term last = terms.get(terms.size() - 1);
    return placement.put(model, last.weights(), last.factor());
  }
}
