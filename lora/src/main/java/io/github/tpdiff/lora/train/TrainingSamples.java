package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Videos made while training goes on, always of the same noises, so that two of them differ only by
 * what was learned between them.
 *
 * <p>They are sampled with the staged sampler on the weights that are being trained: nothing is
 * loaded a second time, and a prediction takes less memory than a training step of the same size.
 *
 * @param prompts the network's inputs that say what each video shows, each with a batch axis of one
 * @param unconditional the same for what guidance leads away from
 * @param everySteps how often they are made
 * @param shape of one video's latents at full rate
 * @param sampler through the stages that are trained
 * @param guidance how {@code unconditional} takes part
 * @param seed of the first video's noise; each next has the next
 */
public record TrainingSamples(
    List<Map<String, Tensor>> prompts,
    Map<String, Tensor> unconditional,
    int everySteps,
    LatentShape shape,
    StagedSampler sampler,
    Guidance guidance,
    long seed) {
  /**
   * @throws IllegalArgumentException if there is no prompt or {@code everySteps} is not positive
   */
  public TrainingSamples {
    checkArgument(everySteps >= 1, "sample.every: at least 1, found %s", everySteps);
    checkArgument(!prompts.isEmpty(), "sample.prompts: expected at least one, found none");
    prompts = List.copyOf(prompts);
  }

  /** Makes video number {@code index}. */
  Latents draw(Trainable model, int index) {
    Denoiser denoiser =
        guidance.guide(
            new Network(model, prompts.get(index)), () -> new Network(model, unconditional));
    return sampler.sample(
        shape, denoiser, NoiseSource.seeded(seed + index), StageListener.silent());
  }

  private record Network(Trainable model, Map<String, Tensor> conditioning) implements Denoiser {
    @Override
    public Latents predict(Latents x, double timestep, int[] framePositions) {
      var inputs = new HashMap<>(conditioning);
      inputs.putAll(TrainingBatch.inputs(x, List.of(timestep), framePositions));
      return Latents.of(x.shape(), model.predict(inputs).toFloatArray());
    }
  }

  /** Whether videos are due after so many of all steps. */
  boolean dueAfter(int step, int steps) {
    return step == steps || step % everySteps == 0;
  }
}
