package io.github.tpdiff.conformance;

import io.github.tpdiff.conformance.files.FilesCase;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.numerics.AssignmentCase;
import io.github.tpdiff.conformance.numerics.HalfPrecisionCase;
import io.github.tpdiff.conformance.numerics.KaimingCase;
import io.github.tpdiff.conformance.numerics.RandomCase;
import io.github.tpdiff.conformance.wan.SchedulerCase;
import io.github.tpdiff.conformance.wan.TokenizerCase;
import java.util.Map;
import java.util.Optional;

/** The kinds of cases that can be run, by family and kind. */
final class Kinds {
  private static final Map<String, CaseKind> KNOWN =
      Map.ofEntries(
          Map.entry("numerics/randn", new RandomCase()),
          Map.entry("numerics/assignment", new AssignmentCase()),
          Map.entry("numerics/kaiming", new KaimingCase()),
          Map.entry("numerics/half_precision", new HalfPrecisionCase()),
          Map.entry("files/files", new FilesCase()),
          Map.entry("wan/tokenizer", new TokenizerCase()),
          Map.entry("wan/scheduler", new SchedulerCase()),
          Map.entry("wan/scheduler_original", new SchedulerCase()));

  private Kinds() {}

  static Optional<CaseKind> find(String family, String kind) {
    return Optional.ofNullable(KNOWN.get(family + "/" + kind));
  }
}
