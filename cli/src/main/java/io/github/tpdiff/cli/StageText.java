package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.Words;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

  /** Such as {@code native}, or {@code scaled,native,native}. */
  static String positions(PositionRules rules) {
    return rules.toString().replaceAll("[\\[\\] ]", "");
  }

  /** How the stages are said on a command line and in a job, to paste. */
  static void print(StageConfig stages, PrintWriter out) {
    if (stages.stages() == 1) {
      out.println("as options: --stages 1");
      out.println("in a job:   stages: {count: 1}");
    } else {
      out.println("as options: " + options(stages));
      out.println("in a job:   " + job(stages));
    }
    out.flush();
  }

  private static String options(StageConfig stages) {
    var options = new LinkedHashMap<String, String>();
    options.put("rates", rates(stages));
    if (!stages.boundaries().isEmpty()) {
      options.put("boundaries", words(stages.boundaries(), "%.4f"));
    }
    if (!stages.stepSplit().isEmpty()) {
      options.put("split", split(stages));
    }
    options.putAll(unusual(stages));
    if (!stages.positions().equals(PositionRules.scaled())) {
      options.put("positions", positions(stages.positions()));
    }
    return options.entrySet().stream()
        .map(option -> "--" + option.getKey().replace('_', '-') + " " + option.getValue())
        .collect(Collectors.joining(" "));
  }

  /** In training, steps are not split: every stage is visited alike. */
  private static String job(StageConfig stages) {
    var keys = new LinkedHashMap<String, String>();
    keys.put("rates", stages.rates().toString());
    if (!stages.boundaries().isEmpty()) {
      keys.put("boundaries", "[" + words(stages.boundaries(), "%.4f").replace(",", ", ") + "]");
    }
    keys.putAll(unusual(stages));
    if (!stages.positions().equals(PositionRules.scaled())) {
      keys.put("positions", stages.positions().toString());
    }
    return keys.entrySet().stream()
        .map(key -> key.getKey() + ": " + key.getValue())
        .collect(Collectors.joining(", ", "stages: {", "}"));
  }

  /** What is not as it is where nothing is said, in a word each, by the keys of jobs. */
  private static Map<String, String> unusual(StageConfig stages) {
    var unusual = new LinkedHashMap<String, String>();
    put(unusual, "downsampling", stages.resampling().downsampling(), Downsampling.STRIDE);
    put(unusual, "upsampling", stages.resampling().upsampling(), Upsampling.NEAREST);
    put(unusual, "space_downsampling", stages.space().downsampling(), Downsampling.MEAN);
    put(unusual, "space_upsampling", stages.space().upsampling(), Upsampling.NEAREST);
    put(unusual, "targets", stages.targets(), Targets.LATENT);
    put(unusual, "ends", stages.ends(), Ends.LINKED);
    return unusual;
  }

  private static void put(Map<String, String> words, String key, Enum<?> own, Enum<?> usual) {
    if (own != usual) {
      words.put(key, Words.of(own));
    }
  }
}
