package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Stages as users write them. */
final class StageText {
  private StageText() {}

  /** Numbers with commas between; a line for none. */
  static String words(List<? extends Number> values, String format) {
    return values.isEmpty()
        ? "-"
        : values.stream()
            .map(value -> String.format(Locale.ROOT, format, value))
            .collect(Collectors.joining(","));
  }

  /** Such as {@code 2x2x2,2x2x2}. */
  static String rates(StageConfig stages) {
    return stages.stages() == 1 ? "-" : RatesOption.text(stages.rates());
  }

  /** Such as {@code 2-2-1}; a line for equal shares. */
  static String split(StageConfig stages) {
    return words(stages.stepSplit(), "%d").replace(',', '-');
  }

  /** The options that say the stages. */
  static String options(StageConfig stages) {
    if (stages.stages() == 1) {
      return "--stages 1";
    }
    var options = new StringBuilder("--rates ").append(rates(stages));
    if (!stages.boundaries().isEmpty()) {
      options.append(" --boundaries ").append(words(stages.boundaries(), "%.4f"));
    }
    if (!stages.stepSplit().isEmpty()) {
      options.append(" --split ").append(split(stages));
    }
    if (!stages.positions().equals(PositionRules.scaled())) {
      options.append(" --positions ").append(positions(stages.positions()));
    }
    return options.toString();
  }

  /** Such as {@code native}, or {@code scaled,native,native}. */
  static String positions(PositionRules rules) {
    return rules.toString().replaceAll("[\\[\\] ]", "");
  }

  /** The section of a job. In training, steps are not split: every stage is visited alike. */
  static String job(StageConfig stages) {
    if (stages.stages() == 1) {
      return "stages: {count: 1}";
    }
    var job = new StringBuilder("stages: {rates: ").append(stages.rates());
    if (!stages.boundaries().isEmpty()) {
      job.append(", boundaries: [")
          .append(words(stages.boundaries(), "%.4f").replace(",", ", "))
          .append("]");
    }
    if (!stages.positions().equals(PositionRules.scaled())) {
      job.append(", positions: ").append(stages.positions());
    }
    return job.append("}").toString();
  }
}
