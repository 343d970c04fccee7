package io.github.tpdiff.conformance.golden;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import java.io.IOException;

/** How the cases of one kind are recomputed and compared. */
public sealed interface CaseKind {

  /** A kind that no engine takes part in. */
  non-sealed interface Plain extends CaseKind {
    /** Recomputes every output of {@code golden} and compares it. */
    void check(GoldenCase golden, Checks checks) throws IOException;
  }

  /** A kind that every engine computes. */
  non-sealed interface OnEngine extends CaseKind {
    /** Recomputes every output of {@code golden} on {@code engine} and compares it. */
    void check(GoldenCase golden, Engine engine, Checks checks) throws IOException;
  }

  /** A kind that needs gradients. */
  non-sealed interface Training extends CaseKind {
    /** Recomputes every output of {@code golden} on {@code engine} and compares it. */
    void check(GoldenCase golden, TrainingEngine engine, Checks checks) throws IOException;
  }
}
