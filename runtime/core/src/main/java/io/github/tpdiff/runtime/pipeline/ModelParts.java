package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Optional;
import java.util.Set;

/** The components of an opened checkpoint, each lowered and loaded when it is asked for. */
record ModelParts(VideoModel model, Engine engine) implements PipelineParts {
  @Override
  public PipelineDescription description() {
    return model.description();
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return model.trainedStages();
  }

  @Override
  public Set<Role> roles() {
    return Set.copyOf(model.components().keySet());
  }

  @Override
  public Executable load(Role role) {
    var component =
        Optional.ofNullable(model.components().get(role))
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s: the %s checkpoint has no such component, only %s"
                            .formatted(
                                role.label(),
                                model.description().family(),
                                model.components().keySet().stream()
                                    .sorted()
                                    .map(Role::label)
                                    .toList())));
    return engine.load(component.program(), component.weights());
  }

  @Override
  public Tokenizer tokenizer() {
    return model.tokenizer();
  }

  @Override
  public void close() {}
}
