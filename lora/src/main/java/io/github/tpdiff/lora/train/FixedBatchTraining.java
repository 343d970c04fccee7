package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * The {@link Trainer} on one batch, with everything it passes through, for comparison with other
 * trainers.
 */
public final class FixedBatchTraining {
  private FixedBatchTraining() {}

  /**
   * The batch of every step.
   *
   * @param own the batch
   */
  public record Batch(TrainingBatch own) implements TrainingData, BatchSource {
    /**
     * Of the program's inputs and its wanted output.
     *
     * @param target [clips, C, frames, height, width]
     * @param given first frames of each clip that pictures give, of which nothing is learned
     */
    public static Batch of(Map<String, Tensor> inputs, Tensor target, int[] given) {
      int[] axes = Arrays.stream(target.shape()).mapToInt(Math::toIntExact).toArray();
      var shape = new LatentShape(axes[0], axes[1], axes[2], axes[3], axes[4]);
      var all = Latents.of(shape, target.toFloatArray());
      List<Latents> clips = IntStream.range(0, axes[0]).mapToObj(all::clip).toList();
      return new Batch(TrainingBatch.of(inputs, clips, given, 1));
    }

    @Override
    public int stages() {
      return 1;
    }

    @Override
    public Map<Integer, Double> shares() {
      return Map.of(own.stage(), 1.0);
    }

    @Override
    public Map<String, String> identity() {
      return Map.of();
    }

    @Override
    public BatchSource open(TrainingSettings settings) {
      return this;
    }

    @Override
    public TrainingBatch batch(long index) {
      return own;
    }

    @Override
    public int batchesPerEpoch() {
      return 1;
    }
  }

  /**
   * One step.
   *
   * @param loss before it
   * @param gradientNorm over all gradients
   * @param gradients before it, by weight name
   * @param parameters after it, by weight name
   */
  public record StepRecord(
      double loss,
      double gradientNorm,
      Map<String, float[]> gradients,
      Map<String, float[]> parameters) {}

  /**
   * How many steps of what size.
   *
   * @param steps to do
   * @param learningRate of each
   * @param optimizer which, with its numbers
   * @param activations what a step holds in memory
   */
  public record Recipe(
      int steps, double learningRate, OptimizerKind optimizer, Activations activations) {
    private TrainingSettings settings() {
      return new TrainingSettings(
          0,
          steps,
          new Batches(1, 1),
          new Descent(optimizer, LearningRate.constant(learningRate), OptionalDouble.empty()),
          TrainingSettings.Dropout.none(),
          activations);
    }
  }

  /** Trains without clipping at a constant rate; changes the target's parameters. */
  public static List<StepRecord> steps(
      TrainingTarget target, TrainingEngine engine, Batch batch, Recipe recipe) {
    var gradients = new ArrayList<Map<String, float[]>>();
    var steps = new ArrayList<StepRecord>();
    Trainer.train(
        TrainingRun.of(target, batch, recipe.settings())
            .withGradients(
                (model, trained) -> new Kept(new LocalGradients(model, trained), gradients)),
        engine,
        new TrainingListener() {
          @Override
          public void stepped(TrainingProgress done) {
            var parameters = new LinkedHashMap<String, float[]>();
            target.parameters().forEach((name, p) -> parameters.put(name, p.values().clone()));
            steps.add(
                new StepRecord(
                    done.loss(), done.gradientNorm(), gradients.get(steps.size()), parameters));
          }
        });
    return steps;
  }

  /** Keeps what another source gives. */
  private record Kept(GradientSource source, List<Map<String, float[]>> kept)
      implements GradientSource {
    @Override
    public Optional<StepGradients> mean(StepBatches step) {
      Optional<StepGradients> found = source.mean(step);
      found.ifPresent(
          now -> {
            var copies = new LinkedHashMap<String, float[]>();
            now.gradients().forEach((name, values) -> copies.put(name, values.clone()));
            kept.add(copies);
          });
      return found;
    }
  }
}
