package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.GoldenCase;

/** Which row of a text encoder's states stands for the whole prompt. */
public interface PooledRow {
  int of(GoldenCase golden, long[] inputIds);

  /** For encoders that pool nothing. */
  static PooledRow none() {
    return (golden, inputIds) -> {
      throw new CaseException("out.pooled: this text encoder has no pooled state");
    };
  }
}
