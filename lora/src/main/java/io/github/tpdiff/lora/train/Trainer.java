package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

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
  private final RunRecord record;
  private final SmoothedLoss smoothed;
  private int step;

  private Trainer(TrainingRun run, TrainingListener listener, RunRecord record) {
    Optional<TrainingState> state = record.state();
    this.run = run;
    this.listener = listener;
    this.record = record;
    this.smoothed = record.smoothed();
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
   * The same as {@link #train(TrainingRun, TrainingEngine, TrainingListener, FolderLock)}, taking
   * the output folder for as long as it trains.
   */
  public static TrainingOutcome train(
      TrainingRun run, TrainingEngine engine, TrainingListener listener) {
    if (run.states().isEmpty()) {
      return recorded(run, engine, listener);
    }
    FolderLock own = FolderLock.of(run.states().get().folder());
    try {
      return train(run, engine, listener, own);
    } finally {
      own.close();
    }
  }

  /**
   * Trains to the last step, or until the listener asks to stop.
   *
   * @param held the run's output folder
   * @throws NonFiniteException if the loss or a gradient is; the last good state is kept
   * @throws CheckpointException if the output folder holds another run's states
   */
  public static TrainingOutcome train(
      TrainingRun run, TrainingEngine engine, TrainingListener listener, FolderLock held) {
    checkArgument(
        run.states().map(StateFolder::folder).equals(Optional.of(held.folder())),
        "training: expected the lock of its output folder, found that of %s",
        held.folder());
    return recorded(run, engine, listener);
  }

  private static TrainingOutcome recorded(
      TrainingRun run, TrainingEngine engine, TrainingListener listener) {
    try (var record = RunRecord.open(run, engine.arithmetic())) {
      record.announce(listener);
      var trainer = new Trainer(run, listener, record);
      try (Trainable model =
          engine.train(
              run.target().program(),
              run.target().weights(),
              run.target().parameters().keySet(),
              run.settings().activations())) {
        return trainer.train(model);
      } finally {
        trainer.examples.close();
      }
    }
  }

  private TrainingOutcome train(Trainable model) {
    int steps = run.settings().steps();
    long began = System.nanoTime();
    int first = step;
    int saved = step;
    if (step == 0) {
      record.started(validate(model, true));
    }
    while (step < steps) {
      Optional<StepResult> result = tryStep(model);
      if (result.isEmpty()) {
        save(step != saved || step == 0);
        return new TrainingOutcome(step, End.STOPPED, parameters);
      }
      model.update(tensors());
      step++;
      double seconds = (System.nanoTime() - began) * 1e-9;
      smoothed.add(result.get().stageLosses());
      TrainingProgress progress = progress(result.get(), (step - first) / Math.max(seconds, 1e-9));
      listener.stepped(progress);
      boolean isDue = step == steps || isDue(run.validation().map(Validation::everySteps));
      record.stepped(progress, validate(model, isDue));
      sample(model);
      if (step == steps || isDue(run.states().map(StateFolder::everySteps))) {
        save(true);
        saved = step;
      }
    }
    record.finish(new TrainingSnapshot(step, parameters));
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

  /** Losses by stage, told to the listener; empty if it is not due or there are no clips for it. */
  private Map<Integer, Double> validate(Trainable model, boolean due) {
    if (!due || run.validation().isEmpty()) {
      return Map.of();
    }
    Map<Integer, Double> losses =
        run.validation().get().losses(model, run.diffusion(), new Draws(run.settings().seed()));
    listener.validated(step, losses);
    return losses;
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
      record
          .save(new TrainingState(step, parameters, optimizer.moments()))
          .ifPresent(listener::saved);
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
        smoothed.values(),
        result.norm(),
        result.rate(),
        rate,
        Duration.ofMillis(Math.round(1000 * (steps - step) / rate)));
  }
}
