package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Holds a LoRA to what a case says about it.
 *
 * @param args of the file or run
 */
record LoraArguments(Arguments args, Checks checks) {
  /** Under whose names the cases go. */
  private static final Map<String, Set<LoraFormat>> FORMATS =
      Map.of(
          "diffusers", Set.of(LoraFormat.DIFFUSERS),
          // PEFT's names, in a folder of its own or in a file as diffusers writes it.
          "peft", Set.of(LoraFormat.PEFT, LoraFormat.DIFFUSERS),
          "comfyui", Set.of(LoraFormat.COMFYUI),
          "musubi", Set.of(LoraFormat.KOHYA),
          "kohya", Set.of(LoraFormat.KOHYA),
          "diffsynth", Set.of(LoraFormat.DIFFSYNTH),
          "down_up", Set.of(LoraFormat.DOWN_UP),
          "original", Set.of(LoraFormat.DOWN_UP));

  void requireFormat(LoraFormat found) {
    String name = args.text("format");
    Set<LoraFormat> expected = FORMATS.get(name);
    if (expected == null) {
      throw new CaseException(
          "args.files.format: expected one of %s, found '%s'"
              .formatted(new TreeSet<>(FORMATS.keySet()), name));
    }
    if (!expected.contains(found)) {
      checks.fail("args.files.format: expected %s, found a file of %s".formatted(name, found));
    }
  }

  /** The file has the modules and the rank that the case names. */
  void requireModules(LoraWeights lora) {
    List<String> targets = args.findTexts("target_modules").orElse(List.of());
    Set<String> modules = lora.pairs().keySet();
    boolean same =
        modules.stream().allMatch(module -> targets.stream().anyMatch(t -> isTarget(module, t)))
            && targets.stream().allMatch(t -> modules.stream().anyMatch(m -> isTarget(m, t)));
    if (!targets.isEmpty() && !same) {
      checks.fail("args.target_modules: expected %s, found %s".formatted(targets, modules));
    }
    Optional<Integer> rank = args.findInteger("rank");
    lora.pairs()
        .forEach(
            (module, pair) -> {
              if (rank.isPresent() && pair.rank() != rank.get()) {
                checks.fail(
                    "args.rank: expected %d, found %d in %s"
                        .formatted(rank.get(), pair.rank(), module));
              }
            });
  }

  private static boolean isTarget(String module, String target) {
    return module.equals(target) || module.endsWith("." + target);
  }

  /** The factor on B·A is the one that the case names, or else follows from its alpha. */
  void requireScale(LoraWeights lora, double strength) {
    Optional<Double> alpha = args.findNumber("alpha");
    Optional<Double> scale = args.findNumber("scale");
    lora.pairs()
        .forEach(
            (module, pair) -> {
              double found = pair.scale() * strength;
              scale
                  .or(() -> alpha.map(value -> value / pair.rank() * strength))
                  .filter(expected -> Math.abs(found - expected) > 1e-6 * Math.abs(expected))
                  .ifPresent(
                      expected ->
                          checks.fail(
                              "%s: %s: expected scale %s, found %s"
                                  .formatted(args.text("name"), module, expected, found)));
            });
  }
}
