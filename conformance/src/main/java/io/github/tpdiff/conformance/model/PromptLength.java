package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.VideoModel;

/** Models whose prompts are filled up to the length that a case names. */
final class PromptLength {
  private PromptLength() {}

  /**
   * The model with another length for the text whose rows its network attends to.
   *
   * @throws CaseException if there is no such text
   */
  static VideoModel of(VideoModel model, int tokens) {
    Flow flow = model.description().flow();
    if (!flow.sizes().containsKey(Flow.TEXT_ROWS)) {
      throw new CaseException(
          "expected prompts of %d tokens, but the model has no text of a length that can be chosen"
              .formatted(tokens));
    }
    return model.withDescription(model.description().withFlow(flow.withTextRows(tokens)));
  }
}
