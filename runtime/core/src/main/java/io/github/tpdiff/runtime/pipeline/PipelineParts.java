package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.Optional;
import java.util.Set;

/**
 * What a pipeline is made of, ready for one engine: an opened checkpoint, or an exported folder.
 *
 * <p>Nothing is loaded before it is asked for, so the parts of a pipeline need not fit in memory
 * together.
 */
public interface PipelineParts extends AutoCloseable {
  PipelineDescription description();

  /** The stages that the weights were trained or exported for, if anything says so. */
  Optional<StageConfig> madeFor();

  /**
   * What a choice of stages comes to with these parts.
   *
   * @throws IllegalArgumentException if the weights were made for another number of stages
   */
  default Decided stages(StageChoice choice) {
    return choice.decide(madeFor(), description().latents().firstFrame());
  }

  /** The components there are. */
  Set<Role> roles();

  /**
   * Loads a component; whoever asks closes it, which frees its weights. It may be loaded again.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it is absent or does not fit, naming it
   */
  Executable load(Role role);

  /**
   * The tokenizer, opened on first use and closed with the parts or the checkpoint they come from.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if there is none
   */
  Tokenizer tokenizer();

  /** Closes what the parts opened themselves; executables are their users' to close. */
  @Override
  void close();

  /** The components of an opened checkpoint on an engine; both stay the caller's to close. */
  static PipelineParts of(VideoModel model, Engine engine) {
    return new ModelParts(model, engine);
  }
}
