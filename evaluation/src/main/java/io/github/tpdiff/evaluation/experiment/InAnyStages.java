package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.Optional;
import java.util.Set;

/** Parts that sample in other stages than their weights were made for: as fast, if not as well. */
record InAnyStages(PipelineParts parts) implements PipelineParts {
  @Override
  public ModelDescription description() {
    return parts.description();
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return Optional.empty();
  }

  @Override
  public Set<String> components() {
    return parts.components();
  }

  @Override
  public String origin() {
    return parts.origin();
  }

  @Override
  public Executable load(String component) {
    return parts.load(component);
  }

  @Override
  public long bytes(String component) {
    return parts.bytes(component);
  }

  @Override
  public Object identity(String component) {
    return parts.identity(component);
  }

  @Override
  public boolean allows(String denoiser, LatentShape shape) {
    return parts.allows(denoiser, shape);
  }

  @Override
  public Tokenizer tokenizer(String name) {
    return parts.tokenizer(name);
  }

  @Override
  public void close() {
    parts.close();
  }
}
