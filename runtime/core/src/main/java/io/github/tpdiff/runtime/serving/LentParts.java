package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.ForwardingParts;
import io.github.tpdiff.runtime.model.PipelineParts;
import java.util.ArrayList;
import java.util.List;

/** Parts for one generation, whose components are warm ones and go back when it ends. */
final class LentParts extends ForwardingParts {
  private final WarmExecutables warm;
  private final Cancellation cancellation;
  private final List<LentExecutable> lent = new ArrayList<>();
  private boolean closed;

  /**
   * @param parts stay the caller's to close
   */
  LentParts(PipelineParts parts, WarmExecutables warm, Cancellation cancellation) {
    super(parts);
    this.warm = warm;
    this.cancellation = cancellation;
  }

  @Override
  public Executable load(String component) {
    if (closed) {
      throw new IllegalStateException(
          "the generation has ended: use its video before that, in a VideoUse");
    }
    cancellation.check();
    var executable = new LentExecutable(warm.take(parts(), component), warm, cancellation);
    lent.add(executable);
    return executable;
  }

  /** Gives back what nobody closed; the others stay open. */
  @Override
  public void close() {
    closed = true;
    lent.forEach(LentExecutable::close);
  }
}
