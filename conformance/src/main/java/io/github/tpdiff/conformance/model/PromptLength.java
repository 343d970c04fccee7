package io.github.tpdiff.conformance.model;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.PipelineParts;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.Optional;
import java.util.Set;

/** Parts whose prompts are filled up to the length a case names, if it names one. */
record PromptLength(PipelineParts parts, Optional<Integer> tokens) implements PipelineParts {
  @Override
  public PipelineDescription description() {
    PipelineDescription own = parts.description();
    var text =
        new PipelineDescription.Text(tokens.orElse(own.text().maxLength()), own.text().cleaning());
    return own.withText(text);
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return parts.madeFor();
  }

  @Override
  public Set<Role> roles() {
    return parts.roles();
  }

  @Override
  public Executable load(Role role) {
    return parts.load(role);
  }

  @Override
  public Tokenizer tokenizer() {
    return parts.tokenizer();
  }

  @Override
  public void close() {
    parts.close();
  }
}
