package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.AdamWArguments;
import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.train.FixedBatchTraining;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kind {@code lora_train}: losses, gradients and AdamW steps on one batch, whatever is held between
 * forward and backward. Frames that are given, whose time is 0, have no part in the loss, which is
 * the mean over the clips of the mean over the frames of each that are predicted.
 *
 * @param parts opens conditioning and denoiser
 */
public record LoraTrainCase(PartsOpener parts) implements CaseKind.Training {
  private static final Pattern TENSOR = Pattern.compile("(grad|step(\\d+))\\.(.+)");

  @Override
  public void check(GoldenCase golden, TrainingEngine engine, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      String attention = run.args().findText("attention").orElse("");
      try (VideoModel base = CaseModel.network(parts.open(golden, attention))) {
        check(run, base, engine, checks);
      }
    }
  }

  private static void check(GoldenRun run, VideoModel base, TrainingEngine engine, Checks checks) {
    Component network = TrainingTarget.network(base);
    LoraWeights lora = lora(run);
    new LoraArguments(run.args(), checks).requireModules(lora);
    var injection = LoraInjection.of(network.program(), lora, 1);
    NetworkRun given = NetworkRun.of(run, base);
    var batch =
        FixedBatchTraining.Batch.of(
            given.inputs(base), run.input("target"), given.firstFramesGiven());
    for (Activations activations : Activations.values()) {
      var target = TrainingTarget.lora(injection, network.weights(), injection.parametersOf(lora));
      var recipe = recipe(run, activations);
      compare(run, FixedBatchTraining.steps(target, engine, batch, recipe), checks);
    }
  }

  /** The starting tensors with the scale that the case names, whatever their file says. */
  private static LoraWeights lora(GoldenRun run) {
    LoraWeights read = LoraFile.read(run.golden().path(run.args().text("lora"))).weights();
    Optional<Double> alpha = run.args().findNumber("alpha");
    if (alpha.isEmpty()) {
      return read;
    }
    var pairs = new TreeMap<String, LoraPair>();
    read.pairs()
        .forEach(
            (module, pair) ->
                pairs.put(
                    module,
                    new LoraPair(pair.rank(), alpha.get() / pair.rank(), pair.a(), pair.b())));
    return new LoraWeights(read.component(), pairs, read.metadata());
  }

  private static FixedBatchTraining.Recipe recipe(GoldenRun run, Activations activations) {
    Arguments optimizer = run.args().group("optimizer");
    if (!optimizer.findText("type").orElse("AdamW").equals("AdamW")) {
      throw new CaseException(
          "args.optimizer.type: expected AdamW, found " + optimizer.text("type"));
    }
    AdamWArguments settings = AdamWArguments.of(optimizer);
    TensorInfo losses = run.golden().tensors().require("out." + run.prefix() + "loss");
    return new FixedBatchTraining.Recipe(
        Math.toIntExact(losses.elementCount()),
        settings.learningRate(),
        settings.adamW(),
        activations);
  }

  private static void compare(
      GoldenRun run, List<FixedBatchTraining.StepRecord> steps, Checks checks) {
    checks.compare(
        run.prefix() + "loss",
        steps.stream().mapToDouble(FixedBatchTraining.StepRecord::loss).toArray());
    checks.compare(
        run.prefix() + "grad_norm",
        steps.stream().mapToDouble(FixedBatchTraining.StepRecord::gradientNorm).toArray());
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
    Arguments tolerance = run.golden().tolerance();
    var limits =
        new Checks.AbsoluteLimits(
            tolerance.number("steps_max_abs"), tolerance.number("steps_rms_abs"));
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
