package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.job.TrainingJob.Lora;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the section {@code lora} of a job. */
final class LoraReader {
  static final JobType<List<ModulePattern>> PATTERNS =
      JobType.list(
          "module names or patterns",
          JobType.scalar(
              "a module name or pattern", ModulePattern::new, pattern -> pattern.text()));

  private LoraReader() {}

  static Lora read(JobSection s) {
    int rank = s.value("rank", JobType.WHOLE, 32, "Rank of the change; from 1 to 65536.");
    var ranks = new LinkedHashMap<ModulePattern, Integer>();
    double alpha =
        s.find("alpha", JobType.NUMBER, "the rank", "The change is multiplied by alpha / rank.")
            .orElse((double) rank);
    List<ModulePattern> targets =
        s.find(
                "targets",
                PATTERNS,
                "the family's usual layers",
                "Layers that are changed: the end of a name (`to_q`), a pattern"
                    + " (`blocks.*.ffn.**`), or `re:` and a regular expression.")
            .orElse(List.of());
    List<ModulePattern> exclude =
        s.find("exclude", PATTERNS, "none", "Of the targets, those that are left alone.")
            .orElse(List.of());
    s.find(
            "rank_pattern",
            JobType.byName("names with whole numbers", JobType.WHOLE),
            "none",
            "Ranks that differ, such as `{to_q: 4}`; the first pattern that matches a layer"
                + " decides.")
        .orElse(Map.of())
        .forEach((pattern, own) -> ranks.put(new ModulePattern(pattern), own));
    return new Lora(rank, alpha, targets, exclude, ranks);
  }
}
