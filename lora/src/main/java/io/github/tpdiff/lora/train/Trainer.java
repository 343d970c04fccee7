package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.optim.Optimizer;
import io.github.tpdiff.lora.train.GradientSource.BatchLoss;
import io.github.tpdiff.lora.train.GradientSource.StepBatches;
import io.github.tpdiff.lora.train.GradientSource.StepGradients;
import io.github.tpdiff.lora.train.TimeLeft.Task;
import io.github.tpdiff.lora.train.TrainingOutcome.End;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.weights.CheckpointException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Trains what a run names, step by step: batches of one shape and one stage, the mean of their
 * gradients, a step of the optimizer.
 *
 * <p>Given seed, data and engine the result is always the same, stopped and resumed or not.
 */
public final class Trainer {
  private final TrainingRun run;
  private final TrainingListener listener;
  private final Map<String, Parameter> parameters;
  private final Optimizer optimizer;
  private final BatchSource batches;
  private final RunRecord record;
  private final SmoothedLoss smoothed;
  private final TimeLeft timeLeft;
  private int step;

  private Trainer(
      TrainingRun run, BatchSource batches, TrainingListener listener, RunRecord record) {
    this.run = run;
    this.batches = batches;
    this.listener = listener;
    this.record = record;
    this.smoothed = record.smoothed();
    this.timeLeft = TimeLeft.of(run);
    this.parameters = run.target().parameters();
    Optimizer.Settings settings = run.settings().descent().optimizer();
    Optional<TrainingState> state = record.takeState();
    this.step = state.map(TrainingState::step).orElse(0);
    this.optimizer =
        state
            .map(from -> settings.resumed(parameters, step, from.optimizer()))
            .orElseGet(() -> settings.fresh(parameters));
    state.ifPresent(from -> from.parameters().forEach(this::set));
  }

  private void set(String name, Parameter from) {
    float[] values = Parameter.require(parameters, name).values();
    System.arraycopy(from.values(), 0, values, 0, values.length);
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
      try (BatchSource batches = run.data().open(run.settings())) {
        var trainer = new Trainer(run, batches, listener, record);
        if (trainer.isDone()) {
          return trainer.finish(); // the model need not be loaded
        }
        try (Trainable model =
            engine.train(
                run.target().program(),
                run.target().weights(),
                run.target().parameters().keySet(),
                run.settings().activations())) {
          return trainer.train(model);
        }
      }
    }
  }

  private TrainingOutcome train(Trainable model) {
    GradientSource gradients = run.gradients().on(model, parameters.keySet());
    int steps = run.settings().steps();
    long began = System.nanoTime();
    int first = step;
    int saved = step;
    if (step == 0) {
      record.started(validate(model, true));
      run.samples().filter(TrainingSamples::atFirst).ifPresent(own -> sample(own, model));
    }
    while (step < steps) {
      long stepBegan = System.nanoTime();
      Optional<StepGradients> found = gradients.mean(batches());
      if (found.isEmpty()) {
        if (step != saved || step == 0) {
          save();
        }
        return new TrainingOutcome(step, End.STOPPED, parameters);
      }
      StepResult result = optimize(found.get());
      model.update(tensors());
      step++;
      timeLeft.stepped(TimeLeft.stages(found.get().batches()), secondsSince(stepBegan));
      double seconds = secondsSince(began);
      smoothed.add(result.stageLosses());
      TrainingProgress progress = progress(result, (step - first) / Math.max(seconds, 1e-9));
      listener.stepped(progress);
      record.progressed(progress);
      boolean isDue = isDue(run.validation().map(Validation::everySteps));
      record.stepped(progress, validate(model, isDue));
      if (isDue(run.samples().map(TrainingSamples::everySteps))) {
        sample(run.samples().orElseThrow(), model);
      }
      if (isDue(run.states().map(StateFolder::everySteps))) {
        save();
        saved = step;
      }
    }
    return finish();
  }

  private static double secondsSince(long began) {
    return (System.nanoTime() - began) * 1e-9;
  }

  /** Whether a state of the last step was found. */
  private boolean isDone() {
    return step >= run.settings().steps();
  }

  private TrainingOutcome finish() {
    record.finish(new TrainingSnapshot(step, parameters));
    return new TrainingOutcome(step, End.FINISHED, parameters);
  }

  /** Whether what is done every so many steps is due: then and after the last. */
  private boolean isDue(Optional<Integer> every) {
    return every.isPresent() && (step == run.settings().steps() || step % every.get() == 0);
  }

  /** The batches of the next step. */
  private StepBatches batches() {
    return new StepBatches(
        run.settings().batches().accumulation(), this::batch, listener::stopAsked);
  }

  private TrainingBatch batch(int place) {
    return batches.batch((long) step * run.settings().batches().accumulation() + place);
  }

  private record StepResult(
      double loss, Map<Integer, Double> stageLosses, double norm, double rate) {}

  /** A step from what was found to the new values on the host. */
  private StepResult optimize(StepGradients found) {
    requireFinite(found);
    double loss = 0;
    for (BatchLoss batch : found.batches()) {
      loss += batch.loss() / found.batches().size();
    }
    var settings = run.settings().descent();
    double norm =
        settings.maxGradNorm().isPresent()
            ? GradientNorm.clip(found.gradients().values(), settings.maxGradNorm().getAsDouble())
            : GradientNorm.of(found.gradients().values());
    double rate = settings.learningRate().at(step);
    optimizer.step(parameters, found.gradients(), rate);
    return new StepResult(loss, byStage(found.batches()), norm, rate);
  }

  /** The mean loss of each stage that the step visited. */
  private static Map<Integer, Double> byStage(List<BatchLoss> batches) {
    var means = new TreeMap<Integer, Double>();
    var counts = new HashMap<Integer, Integer>();
    for (BatchLoss batch : batches) {
      means.merge(batch.stage(), batch.loss(), Double::sum);
      counts.merge(batch.stage(), 1, Integer::sum);
    }
    means.replaceAll((stage, sum) -> sum / counts.getOrDefault(stage, 1));
    return means;
  }

  private void requireFinite(StepGradients found) {
    for (int i = 0; i < found.batches().size(); i++) {
      BatchLoss batch = found.batches().get(i);
      if (!Double.isFinite(batch.loss())) {
        stop("the loss of stage %d is %s: %s".formatted(batch.stage(), batch.loss(), cause(i)));
      }
    }
    GradientNorm.firstNonFinite(found.gradients())
        .ifPresent(name -> stop("the gradient of '%s' is not finite".formatted(name)));
  }

  private String cause(int place) {
    return GradientNorm.firstNonFinite(values())
        .map("the trained tensor '%s' is not finite"::formatted)
        .or(
            () ->
                firstNonFinite(batch(place).inputs())
                    .map("the input '%s' is not finite"::formatted))
        .orElse("the network's prediction is not finite");
  }

  private static Optional<String> firstNonFinite(Map<String, Tensor> tensors) {
    var floats = new LinkedHashMap<String, float[]>();
    tensors.forEach((name, tensor) -> floats.put(name, tensor.toFloatArray()));
    return GradientNorm.firstNonFinite(floats);
  }

  private void stop(String what) {
    record.warned("step %d: %s".formatted(step + 1, what));
    if (GradientNorm.firstNonFinite(values()).isEmpty()) {
      save();
    }
    throw new NonFiniteException(step + 1, what);
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
    long began = System.nanoTime();
    Map<Integer, Double> losses = run.validation().get().losses(model, run.settings());
    timeLeft.did(Task.VALIDATION, secondsSince(began));
    listener.validated(step, losses);
    return losses;
  }

  private void sample(TrainingSamples samples, Trainable model) {
    long began = System.nanoTime();
    for (int i = 0; i < samples.videos().size(); i++) {
      if (listener.stopAsked()) {
        return;
      }
      Latents latents = samples.videos().get(i).draw(model);
      listener.sampled(step, i, latents);
      if (samples.writer().isPresent()) {
        SampleShown shown = samples.writer().get().write(step, i, latents);
        record.sampled(shown);
        listener.shown(shown);
      }
    }
    timeLeft.did(Task.SAMPLES, secondsSince(began));
  }

  private void save() {
    long began = System.nanoTime();
    record.save(new TrainingState(step, parameters, optimizer.state())).ifPresent(listener::saved);
    timeLeft.did(Task.STATES, secondsSince(began));
  }

  private TrainingProgress progress(StepResult result, double rate) {
    int steps = run.settings().steps();
    double done = (double) step * run.settings().batches().accumulation();
    return new TrainingProgress(
        step,
        steps,
        done / batches.batchesPerEpoch(),
        result.loss(),
        result.stageLosses(),
        smoothed.values(),
        result.norm(),
        result.rate(),
        rate,
        timeLeft.after(step));
  }
}
