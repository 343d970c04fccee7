package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.LoraDropout;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.lora.train.GradientSource.BatchLoss;
import io.github.tpdiff.lora.train.GradientSource.StepBatches;
import io.github.tpdiff.lora.train.TimeLeft.Task;
import io.github.tpdiff.lora.train.TrainingOutcome.End;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
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
  private Optional<TrainingState> resumed;
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
    this.resumed = record.takeState();
    this.step = resumed.map(TrainingState::step).orElse(0);
    resumed.ifPresent(state -> state.parameters().forEach(this::set));
  }

  private void set(String name, Parameter from) {
    float[] values = Parameter.require(run.target().parameters(), name).values();
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
          return trainer.finish(trainer.resumed.orElseThrow()); // the model need not be loaded
        }
        try (Trainable model =
            engine
                .minimizing(run.settings().loss())
                .train(
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
    TensorSource remembered =
        resumed.map(TrainingState::optimizer).orElseGet(() -> Parameter.source(Map.of()));
    resumed = Optional.empty(); // held no longer than it is read
    try (Optimization values = Optimization.of(run, model, step, remembered)) {
      return new Steps(model, values).toTheEnd();
    }
  }

  private static double secondsSince(long began) {
    return (System.nanoTime() - began) * 1e-9;
  }

  /** Whether a state of the last step was found. */
  private boolean isDone() {
    return step >= run.settings().steps();
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
    long number = (long) step * run.settings().batches().accumulation() + place;
    long bits = new Draws(run.settings().seed()).bits(Purpose.LORA, number);
    return batches.batch(number).with(LoraDropout.seeded(bits));
  }

  private record StepResult(
      double loss, Map<Integer, Double> stageLosses, double norm, double rate) {}

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

  private TrainingOutcome finish(TrainingState last) {
    TrainingSnapshot result = last.snapshot();
    record.finish(result);
    return new TrainingOutcome(step, End.FINISHED, result.parameters());
  }

  /** The steps that are left, on a model that is loaded. */
  private final class Steps {
    private final Trainable model;
    private final Optimization values;

    Steps(Trainable model, Optimization values) {
      this.model = model;
      this.values = values;
    }

    TrainingOutcome toTheEnd() {
      int steps = run.settings().steps();
      long began = System.nanoTime();
      int first = step;
      int saved = step;
      if (step == 0) {
        record.started(validate(true));
        run.samples().filter(TrainingSamples::atFirst).ifPresent(this::sample);
      }
      while (step < steps) {
        long stepBegan = System.nanoTime();
        Optional<List<BatchLoss>> losses = values.takeGradients(batches());
        if (losses.isEmpty()) {
          if (step != saved || step == 0) {
            save();
          }
          return new TrainingOutcome(step, End.STOPPED, state().snapshot().parameters());
        }
        StepResult result = optimize(losses.get());
        step++;
        timeLeft.stepped(TimeLeft.stages(losses.get()), secondsSince(stepBegan));
        double seconds = secondsSince(began);
        smoothed.add(result.stageLosses());
        TrainingProgress progress = progress(result, (step - first) / Math.max(seconds, 1e-9));
        listener.stepped(progress);
        record.progressed(progress);
        boolean isDue = isDue(run.validation().map(Validation::everySteps));
        record.stepped(progress, validate(isDue));
        if (isDue(run.samples().map(TrainingSamples::everySteps))) {
          sample(run.samples().orElseThrow());
        }
        if (isDue(run.states().map(StateFolder::everySteps))) {
          save();
          saved = step;
        }
      }
      return finish(state());
    }

    /** A step from the gradients that are held to the new values. */
    private StepResult optimize(List<BatchLoss> losses) {
      double loss = 0;
      for (int i = 0; i < losses.size(); i++) {
        BatchLoss batch = losses.get(i);
        if (!Double.isFinite(batch.loss())) {
          stop("the loss of stage %d is %s: %s".formatted(batch.stage(), batch.loss(), cause(i)));
        }
        loss += batch.loss() / losses.size();
      }
      double norm = values.gradientNorm();
      if (!Double.isFinite(norm)) {
        stop("the gradient of '%s' is not finite".formatted(values.findNonFinite().orElse("")));
      }
      var descent = run.settings().descent();
      double factor =
          descent.maxGradNorm().isPresent()
              ? GradientNorm.factor(norm, descent.maxGradNorm().getAsDouble())
              : 1;
      values.step(factor, name -> descent.rate(name, step));
      return new StepResult(loss, byStage(losses), norm, descent.learningRate().at(step));
    }

    private String cause(int place) {
      return firstNonFinite()
          .map("the trained tensor '%s' is not finite"::formatted)
          .or(
              () ->
                  Trainer.firstNonFinite(batch(place).inputs())
                      .map("the input '%s' is not finite"::formatted))
          .orElse("the network's prediction is not finite");
    }

    /** Of the trained tensors. */
    private Optional<String> firstNonFinite() {
      var present = new LinkedHashMap<String, float[]>();
      values.values().forEach((name, p) -> present.put(name, p.values()));
      return GradientNorm.firstNonFinite(present);
    }

    private void stop(String what) {
      record.warned("step %d: %s".formatted(step + 1, what));
      if (firstNonFinite().isEmpty()) {
        save();
      }
      throw new NonFiniteException(step + 1, what);
    }

    /**
     * Losses by stage of what the training gives, told to the listener; empty if it is not due or
     * there are no clips for it.
     */
    private Map<Integer, Double> validate(boolean due) {
      if (!due || run.validation().isEmpty()) {
        return Map.of();
      }
      long validationBegan = System.nanoTime();
      values.exchangeMean();
      Map<Integer, Double> losses = run.validation().get().losses(model, run.settings());
      values.exchangeMean();
      timeLeft.did(Task.VALIDATION, secondsSince(validationBegan));
      listener.validated(step, losses);
      return losses;
    }

    private void sample(TrainingSamples samples) {
      long samplesBegan = System.nanoTime();
      values.exchangeMean();
      boolean all = sampledAll(samples);
      values.exchangeMean();
      if (all) {
        timeLeft.did(Task.SAMPLES, secondsSince(samplesBegan));
      }
    }

    /** Whether the user let it make all of them. */
    private boolean sampledAll(TrainingSamples samples) {
      for (int i = 0; i < samples.videos().size(); i++) {
        if (listener.stopAsked()) {
          return false;
        }
        Latents latents = samples.videos().get(i).draw(model);
        listener.sampled(step, i, latents);
        if (samples.writer().isPresent()) {
          SampleShown shown = samples.writer().get().write(step, i, latents);
          record.sampled(shown);
          listener.shown(shown);
        }
      }
      return true;
    }

    private void save() {
      long saveBegan = System.nanoTime();
      record.save(state()).ifPresent(listener::saved);
      timeLeft.did(Task.STATES, secondsSince(saveBegan));
    }

    private TrainingState state() {
      return new TrainingState(step, values.values(), values.state());
    }
  }

  private static Optional<String> firstNonFinite(Map<String, Tensor> tensors) {
    var floats = new LinkedHashMap<String, float[]>();
    tensors.forEach(
        (name, tensor) -> {
          if (tensor.type() == ElementType.F32) {
            floats.put(name, tensor.toFloatArray());
          }
        });
    return GradientNorm.firstNonFinite(floats);
  }
}
