package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.train.TrainingOutcome.End;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.weights.CheckpointException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Trains what a run names, step by step: batches of one shape and one stage, the mean of their
 * gradients, AdamW.
 *
 * <p>Given seed, data and engine the result is always the same, stopped and resumed or not.
 */
public final class Trainer {
  private final TrainingRun run;
  private final TrainingListener listener;
  private final Map<String, Parameter> parameters;
  private final AdamW optimizer;
  private final Examples examples;
  private int step;

  private Trainer(TrainingRun run, TrainingListener listener, Optional<TrainingState> state) {
    this.run = run;
    this.listener = listener;
    this.parameters = run.target().parameters();
    state.ifPresent(
        s ->
            s.parameters()
                .forEach(
                    (name, p) -> {
                      float[] values = Parameter.require(parameters, name).values();
                      System.arraycopy(p.values(), 0, values, 0, values.length);
                    }));
    this.step = state.map(TrainingState::step).orElse(0);
    this.optimizer =
        AdamW.resumed(
            run.settings().optimizer().adamW(),
            step,
            state.map(TrainingState::moments).orElse(Map.of()));
    this.examples = new Examples(run.diffusion(), run.clips(), run.settings());
  }

  /**
   * Trains to the last step, or until the listener asks to stop.
   *
   * @throws NonFiniteException if the loss or a gradient is; the last good state is kept
   * @throws CheckpointException if the output folder holds another run's states
   */
  public static TrainingOutcome train(
      TrainingRun run, TrainingEngine engine, TrainingListener listener) {
    var trainer = new Trainer(run, listener, startingState(run));
    try (Trainable model =
        engine.train(
            run.target().program(),
            run.target().weights(),
            run.target().parameters().keySet(),
            run.settings().activations())) {
      return trainer.train(model);
    }
  }

  private static Optional<TrainingState> startingState(TrainingRun run) {
    var newest = run.states().flatMap(StateFolder::latest);
    if (newest.isPresent() && run.start() == TrainingRun.Start.FRESH) {
      throw new CheckpointException(
          "%s: a state of an earlier run is there; resume it or choose another output folder"
              .formatted(newest.get()));
    }
    return newest.map(file -> TrainingState.read(file, run.target().parameters(), run.identity()));
  }

  private TrainingOutcome train(Trainable model) {
    int steps = run.settings().steps();
    long began = System.nanoTime();
    int first = step;
    int saved = step;
    validate(model, step == 0);
    while (step < steps) {
      Optional<StepResult> result = tryStep(model);
      if (result.isEmpty()) {
        save(step != saved || step == 0);
        return new TrainingOutcome(step, End.STOPPED, parameters);
      }
      model.update(tensors());
      step++;
      double seconds = (System.nanoTime() - began) * 1e-9;
      listener.stepped(progress(result.get(), (step - first) / Math.max(seconds, 1e-9)));
      validate(model, step == steps || isDue(run.validation().map(Validation::everySteps)));
      sample(model);
      if (step == steps || isDue(run.states().map(StateFolder::everySteps))) {
        save(true);
        saved = step;
      }
    }
    run.states()
        .ifPresent(s -> s.results().write(s.folder(), new TrainingSnapshot(step, parameters)));
    return new TrainingOutcome(step, End.FINISHED, parameters);
  }

  private boolean isDue(Optional<Integer> every) {
    return every.isPresent() && step % every.get() == 0;
  }

  private record StepResult(
      double loss, Map<Integer, Double> stageLosses, double norm, double rate) {}

  /** One step up to the new values on the host; empty if the listener asks to stop. */
  private Optional<StepResult> tryStep(Trainable model) {
    int accumulation = run.settings().batches().accumulation();
    var sums = new LinkedHashMap<String, float[]>();
    var stageSums = new TreeMap<Integer, Double>();
    var stageCounts = new HashMap<Integer, Integer>();
    double loss = 0;
    for (int i = 0; i < accumulation; i++) {
      if (listener.stopAsked()) {
        return Optional.empty();
      }
      TrainingBatch batch = examples.batch((long) step * accumulation + i);
      var result = model.gradients(batch.inputs(), batch.target());
      requireFinite(result, batch);
      accumulate(sums, result.gradients(), 1f / accumulation);
      loss += result.loss() / accumulation;
      stageSums.merge(batch.stage().number(), result.loss(), Double::sum);
      stageCounts.merge(batch.stage().number(), 1, Integer::sum);
    }
    stageSums.replaceAll((stage, sum) -> sum / stageCounts.getOrDefault(stage, 1));
    return Optional.of(optimize(sums, loss, stageSums));
  }

  private StepResult optimize(
      Map<String, float[]> gradients, double loss, Map<Integer, Double> stageLosses) {
    GradientNorm.firstNonFinite(gradients)
        .ifPresent(name -> stop("the gradient of '%s' is not finite".formatted(name)));
    var settings = run.settings().optimizer();
    double norm =
        settings.maxGradNorm().isPresent()
            ? GradientNorm.clip(gradients.values(), settings.maxGradNorm().getAsDouble())
            : GradientNorm.of(gradients.values());
    double rate = settings.learningRate().at(step);
    optimizer.step(values(), gradients, rate);
    return new StepResult(loss, stageLosses, norm, rate);
  }

  private void requireFinite(Trainable.Gradients result, TrainingBatch batch) {
    if (Double.isFinite(result.loss())) {
      return;
    }
    String cause =
        GradientNorm.firstNonFinite(values())
            .map(name -> "the trained tensor '%s' is not finite".formatted(name))
            .or(() -> firstNonFinite(batch.inputs()).map("the input '%s' is not finite"::formatted))
            .orElse("the network's prediction is not finite");
    stop("the loss of stage %d is %s: %s".formatted(batch.stage().number(), result.loss(), cause));
  }

  private static Optional<String> firstNonFinite(Map<String, Tensor> tensors) {
    var floats = new LinkedHashMap<String, float[]>();
    tensors.forEach((name, tensor) -> floats.put(name, tensor.toFloatArray()));
    return GradientNorm.firstNonFinite(floats);
  }

  private void stop(String what) {
    if (GradientNorm.firstNonFinite(values()).isEmpty()) {
      save(true);
    }
    throw new NonFiniteException(step + 1, what);
  }

  private void accumulate(Map<String, float[]> sums, Map<String, Tensor> gradients, float share) {
    for (String name : parameters.keySet()) {
      Tensor gradient = gradients.get(name);
      if (gradient == null) {
        throw new IllegalStateException("engine gave no gradient of '%s'".formatted(name));
      }
      float[] values = gradient.toFloatArray();
      float[] sum = sums.computeIfAbsent(name, n -> new float[values.length]);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += share * values[i];
      }
    }
  }

  private Map<String, float[]> values() {
    var values = new LinkedHashMap<String, float[]>();
    parameters.forEach((name, p) -> values.put(name, p.values()));
    return values;
  }

  private Map<String, Tensor> tensors() {
    var tensors = new LinkedHashMap<String, Tensor>();
    parameters.forEach((name, p) -> tensors.put(name, p.toTensor()));
    return tensors;
  }

  private void validate(Trainable model, boolean due) {
    if (due) {
      run.validation()
          .ifPresent(
              v ->
                  listener.validated(
                      step, v.losses(model, run.diffusion(), new Draws(run.settings().seed()))));
    }
  }

  private void sample(Trainable model) {
    run.samples()
        .filter(samples -> samples.dueAfter(step, run.settings().steps()))
        .ifPresent(
            samples -> {
              for (int i = 0; i < samples.prompts().size() && !listener.stopAsked(); i++) {
                listener.sampled(step, i, samples.draw(model, i));
              }
            });
  }

  private void save(boolean due) {
    if (due) {
      var state = new TrainingState(step, parameters, optimizer.moments());
      run.states().ifPresent(s -> listener.saved(s.save(state, run.identity())));
    }
  }

  private TrainingProgress progress(StepResult result, double rate) {
    int steps = run.settings().steps();
    double batches = (double) step * run.settings().batches().accumulation();
    return new TrainingProgress(
        step,
        steps,
        batches / examples.batchesPerEpoch(),
        result.loss(),
        result.stageLosses(),
        result.norm(),
        result.rate(),
        rate,
        Duration.ofMillis(Math.round(1000 * (steps - step) / rate)));
  }
}
