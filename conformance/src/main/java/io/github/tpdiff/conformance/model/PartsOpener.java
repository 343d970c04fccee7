package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.model.Component;
import java.util.Map;
import java.util.function.Function;

/** Opens the components that a case is about; how is its family's business. */
public interface PartsOpener {
  /**
   * Components by name, over weights that are closed with them.
   *
   * @param attention which frames see which, where the case names it; else empty
   */
  Map<String, Component> open(GoldenCase golden, String attention);

  /** For families in which frames see one another in one way. */
  static PartsOpener of(Function<GoldenCase, Map<String, Component>> opener) {
    return (golden, attention) -> {
      if (!attention.isEmpty()) {
        throw new CaseException(
            "attention: expected none for family %s, found %s"
                .formatted(golden.family(), attention));
      }
      return opener.apply(golden);
    };
  }
}
