package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Parts that are other parts but for what a subclass says; closing them closes the others. */
public abstract class ForwardingParts implements PipelineParts {
  private final PipelineParts parts;

  protected ForwardingParts(PipelineParts parts) {
    this.parts = parts;
  }

  /** The others. */
  protected final PipelineParts parts() {
    return parts;
  }

  @Override
  public ModelDescription description() {
    return parts.description();
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return parts.madeFor();
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
  public Map<String, Tensor> adapter(String component) {
    return parts.adapter(component);
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
  public boolean batchesPay() {
    return parts.batchesPay();
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
