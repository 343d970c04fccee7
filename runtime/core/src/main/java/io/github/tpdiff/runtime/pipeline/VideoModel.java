package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An opened checkpoint: programs over mapped weights, ready for any engine. */
public interface VideoModel extends AutoCloseable {
  PipelineDescription description();

  /** The components whose files are present. */
  Map<Role, Component> components();

  /**
   * The tokenizer, opened on first use and closed with the model.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if the checkpoint has none
   */
  Tokenizer tokenizer();

  /** The folder of tokenizer files, for export. */
  Path tokenizerFolder();

  /** Module name suffixes that a LoRA targets unless told otherwise, e.g. {@code to_q}. */
  List<String> defaultLoraTargets();

  /**
   * The stages that the weights were trained for: the {@link RecordJson#STAGES_HEADER} of the file
   * that the denoiser was read from. What is put on a model is asked before the model: a LoRA
   * before tensors trained in full, those before the checkpoint.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if the header cannot be read
   */
  default Optional<StageConfig> trainedStages() {
    return Optional.ofNullable(components().get(Role.DENOISER))
        .map(Component::weights)
        .flatMap(
            weights ->
                Optional.ofNullable(weights.metadata().get(RecordJson.STAGES_HEADER))
                    .map(
                        json ->
                            RecordJson.STAGES.parse(
                                json, weights.origin() + ": " + RecordJson.STAGES_HEADER)));
  }

  /**
   * What a choice of stages comes to with this model.
   *
   * @throws IllegalArgumentException if the weights were trained for another number of stages
   */
  default Decided stages(StageChoice choice) {
    return choice.decide(trainedStages(), description().latents().firstFrame());
  }

  /** This model with other components in place of its own; closing the result closes this model. */
  default VideoModel withComponents(Map<Role, Component> others) {
    return new ChangedModel(this, others, description());
  }

  /**
   * This model sampled as one of its named schedulers; closing the result closes this model.
   *
   * @throws IllegalArgumentException if there is none of that name, naming those there are
   */
  default VideoModel withScheduler(String name) {
    return new ChangedModel(this, components(), description().withScheduler(name));
  }

  @Override
  void close();
}
