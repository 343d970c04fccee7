package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraDropout;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.job.TrainingJob.Lora;
import io.github.tpdiff.weights.lora.KroneckerSizes;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the section {@code lora} of a job. */
final class LoraReader {
  static final JobType<List<ModulePattern>> PATTERNS =
      JobType.list(
          "module names or patterns",
          JobType.scalar(
              "a module name or pattern", ModulePattern::new, pattern -> pattern.text()));

  private LoraReader() {}

  /** What a file that training begins with decides. */
  private static final List<String> OF_THE_FILE =
      List.of("kind", "rank", "alpha", "factor", "targets", "exclude", "rank_pattern");

  /** Kinds of changes, as a job names them. */
  enum Kind {
    LORA,
    DORA,
    LOKR
  }

  static Lora read(JobSection s) {
    LoraConfig.Kind kind = kind(s);
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
    var dropout =
        new LoraDropout(
            s.value(
                "dropout",
                JobType.NUMBER,
                0.0,
                "Share of the numbers that each change is given which are dropped in a training step,"
                    + " the others divided by 1 - dropout, as PEFT's lora_dropout; in [0, 1), not of"
                    + " lokr."));
    return new Lora(kind, rank, alpha, targets, exclude, ranks, dropout, origin(s));
  }

  private static LoraConfig.Kind kind(JobSection s) {
    Kind kind =
        s.value(
            "kind",
            JobType.choice(Kind.class),
            Kind.LORA,
            "What a layer gains: a low-rank product, the same with magnitudes (DoRA), or a"
                + " Kronecker product (LoKr, of linear layers).");
    Optional<Integer> factor =
        s.find(
            "factor",
            JobType.WHOLE,
            "near the square root of each size",
            "Of a LoKr, how many rows and columns its first factor has, where that divides the"
                + " layer's.");
    if (factor.isPresent() && kind != Kind.LOKR) {
      throw new IllegalArgumentException("lora.factor: is for lora.kind: lokr; leave it out");
    }
    return switch (kind) {
      case LORA -> new LoraConfig.Lora();
      case DORA -> new LoraConfig.Dora();
      case LOKR -> new LoraConfig.Lokr(factor.orElse(KroneckerSizes.NEAR_THE_ROOT));
    };
  }

  private static LoraOrigin origin(JobSection s) {
    Optional<Path> from =
        s.find(
                "from",
                JobType.path("a LoRA file or PEFT folder"),
                "fresh values",
                "A LoRA, DoRA or LoKr that training begins with: its kind, layers, ranks, scales and"
                    + " values; leave those keys out. Steps count from 0.")
            .map(s::resolve);
    if (from.isPresent()) {
      OF_THE_FILE.stream()
          .filter(s::has)
          .findFirst()
          .ifPresent(
              key -> {
                throw new IllegalArgumentException(
                    "lora.from: the file decides lora.%s: leave that out".formatted(key));
              });
    }
    var base = new LinkedHashMap<Path, Double>();
    s.find(
            "base",
            JobType.byName("paths with strengths", JobType.NUMBER),
            "none",
            "LoRAs of any kind that lie below the one that is trained, merged into the frozen"
                + " weights in fp32, such as `{style.safetensors: 0.8}`. They are not in the file"
                + " that is written: it is used on top of them.")
        .orElse(Map.of())
        .forEach((path, strength) -> base.put(s.resolve(Path.of(path)), strength));
    return new LoraOrigin(from, base);
  }
}
