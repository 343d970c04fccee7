package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Parts for one generation, whose components are warm ones and go back when it ends. */
final class LentParts implements PipelineParts {
  private final PipelineParts parts;
  private final WarmExecutables warm;
  private final Cancellation cancellation;
  private final List<LentExecutable> lent = new ArrayList<>();
  private boolean closed;

  /**
   * @param parts stay the caller's to close
   */
  LentParts(PipelineParts parts, WarmExecutables warm, Cancellation cancellation) {
    this.parts = parts;
    this.warm = warm;
    this.cancellation = cancellation;
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
    if (closed) {
      throw new IllegalStateException(
          "the generation has ended: use its video before that, in a VideoUse");
    }
    cancellation.check();
    var executable = new LentExecutable(warm.take(parts, component), warm, cancellation);
    lent.add(executable);
    return executable;
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

  /** Gives back what nobody closed. */
  @Override
  public void close() {
    closed = true;
    lent.forEach(LentExecutable::close);
  }
}
