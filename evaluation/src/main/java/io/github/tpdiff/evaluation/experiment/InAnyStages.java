package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ForwardingParts;
import io.github.tpdiff.runtime.model.PipelineParts;
import java.util.Optional;

/** Parts that sample in other stages than their weights were made for: as fast, if not as well. */
final class InAnyStages extends ForwardingParts {
  InAnyStages(PipelineParts parts) {
    super(parts);
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return Optional.empty();
  }
}
