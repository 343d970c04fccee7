package io.github.tpdiff.conformance.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.lora.train.FixedBatchTraining;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kind {@code lora_train}: losses, gradients and AdamW steps on one batch, whatever is held between
 * forward and backward.
 *
 * @param parts opens conditioning and denoiser
 */
public record LoraTrainCase(PartsOpener parts) implements CaseKind.Training {
  private static final Pattern TENSOR = Pattern.compile("(grad|step(\\d+))\\.(.+)");

  @Override
  public void check(GoldenCase golden, TrainingEngine engine, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      String attention = run.args().path("attention").asText();
      try (var base = new OpenComponents(parts.open(golden, attention))) {
        check(run, base, engine, checks);
      }
    }
  }

  private static void check(
      GoldenRun run, OpenComponents base, TrainingEngine engine, Checks checks) {
    Component denoiser = base.require(Role.DENOISER);
    Program program = base.require(Role.CONDITIONING).program().then(denoiser.program());
    LoraWeights lora = lora(run);
    requireModules(run.golden(), lora, checks);
    var injection = LoraInjection.of(program, lora, 1);
    var batch = new FixedBatchTraining.Batch(Network.inputs(run::findInput), run.input("target"));
    for (Activations activations : Activations.values()) {
      var target = TrainingTarget.lora(injection, denoiser.weights(), injection.parametersOf(lora));
      var plan = plan(run, activations);
      compare(run, FixedBatchTraining.steps(target, engine, batch, plan), checks);
    }
  }

  /** The starting tensors with the scale that the case names, whatever their file says. */
  private static LoraWeights lora(GoldenRun run) {
    GoldenCase golden = run.golden();
    LoraWeights read = LoraFile.read(golden.folder().resolve(run.arg("lora").asText())).weights();
    JsonNode alpha = golden.args().path("alpha");
    if (!alpha.isNumber()) {
      return read;
    }
    var pairs = new TreeMap<String, LoraPair>();
    read.pairs()
        .forEach(
            (module, pair) ->
                pairs.put(
                    module,
                    new LoraPair(pair.rank(), alpha.asDouble() / pair.rank(), pair.a(), pair.b())));
    return new LoraWeights(read.component(), pairs, read.metadata());
  }

  /** The file has the modules and the rank that the case names. */
  private static void requireModules(GoldenCase golden, LoraWeights lora, Checks checks) {
    var targets = new TreeSet<String>();
    golden.args().path("target_modules").forEach(target -> targets.add(target.asText()));
    var modules = lora.pairs().keySet();
    boolean same =
        modules.stream().allMatch(module -> targets.stream().anyMatch(t -> isTarget(module, t)))
            && targets.stream().allMatch(t -> modules.stream().anyMatch(m -> isTarget(m, t)));
    if (!targets.isEmpty() && !same) {
      checks.fail("args.target_modules: expected %s, found %s".formatted(targets, modules));
    }
    int rank = golden.args().path("rank").asInt();
    lora.pairs()
        .forEach(
            (module, pair) -> {
              if (rank > 0 && pair.rank() != rank) {
                checks.fail(
                    "args.rank: expected %d, found %d in %s".formatted(rank, pair.rank(), module));
              }
            });
  }

  private static boolean isTarget(String module, String target) {
    return module.equals(target) || module.endsWith("." + target);
  }

  private static FixedBatchTraining.Plan plan(GoldenRun run, Activations activations) {
    GoldenCase golden = run.golden();
    JsonNode optimizer = golden.arg("optimizer");
    if (!optimizer.path("type").asText("AdamW").equals("AdamW")) {
      throw new CaseException(
          "args.optimizer.type: expected AdamW, found " + optimizer.path("type"));
    }
    int steps =
        Math.toIntExact(golden.tensors().require("out." + run.prefix() + "loss").elementCount());
    return new FixedBatchTraining.Plan(
        steps,
        golden.require(optimizer, "lr").asDouble(),
        new AdamW.Settings(
            optimizer.path("betas").path(0).asDouble(0.9),
            optimizer.path("betas").path(1).asDouble(0.999),
            optimizer.path("eps").asDouble(1e-8),
            optimizer.path("weight_decay").asDouble(0.01)),
        activations);
  }

  private static void compare(GoldenRun run, List<FixedBatchTraining.Step> steps, Checks checks) {
    checks.compare(
        run.prefix() + "loss", steps.stream().mapToDouble(FixedBatchTraining.Step::loss).toArray());
    checks.compare(
        run.prefix() + "grad_norm",
        steps.stream().mapToDouble(FixedBatchTraining.Step::gradientNorm).toArray());
    var groups = new TreeMap<Integer, List<Checks.Result>>();
    String start = "out." + run.prefix();
    for (String name : run.golden().tensors().names()) {
      Matcher matcher =
          TENSOR.matcher(name.startsWith(start) ? name.substring(start.length()) : "");
      if (!matcher.matches()) {
        continue;
      }
      String output = name.substring("out.".length());
      String tensor = LoraTensorName.inProgram(matcher.group(3));
      if (matcher.group(2) == null) {
        checks.compare(output, values(steps.get(0).gradients(), tensor));
      } else {
        int step = Integer.parseInt(matcher.group(2));
        groups
            .computeIfAbsent(step, key -> new ArrayList<>())
            .add(new Checks.Result(output, values(steps.get(step - 1).parameters(), tensor)));
      }
    }
    JsonNode tolerance = run.golden().tolerance();
    var limits =
        new Checks.AbsoluteLimits(
            run.golden().require(tolerance, "steps_max_abs").asDouble(),
            run.golden().require(tolerance, "steps_rms_abs").asDouble());
    groups.forEach(
        (step, group) -> checks.compareTogether(run.prefix() + "step" + step, group, limits));
  }

  private static double[] values(Map<String, float[]> tensors, String name) {
    float[] values = new HashMap<>(tensors).get(name);
    if (values == null) {
      throw new CaseException(
          "trained tensor '%s': not among those trained, such as %s"
              .formatted(name, tensors.keySet().stream().findFirst().orElse("none")));
    }
    return Values.widened(values);
  }
}
