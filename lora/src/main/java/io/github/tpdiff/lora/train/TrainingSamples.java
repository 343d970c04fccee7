package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSession;
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
 * @param prompts what each video shows
 * @param unconditional the same for what guidance leads away from, of whichever picture
 * @param everySteps how often they are made
 * @param shape of one video's latents at full rate
 * @param sampler through the stages that are trained
 * @param guidance how {@code unconditional} takes part
 * @param seed of the first video's noise; each next has the next
 */
public record TrainingSamples(
    List<Conditions> prompts,
    Conditions unconditional,
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
    Conditions prompt = prompts.get(index);
    List<Conditions> asked =
        guidance.needsUnconditional()
            ? List.of(prompt, unconditional.with(prompt.pictures()))
            : List.of(prompt);
    try (var network =
        ConditionedNetwork.inTurn(new TrainedNetwork(model), prompt.flow().denoiser(), asked)) {
      return prompt.withGivenFrames(
          sampler.sample(
              shape,
              network.guided(guidance),
              NoiseSource.seeded(seed + index),
              StageListener.silent()));
    }
  }

  /** The network that is being trained, which takes everything in every step. */
  private record TrainedNetwork(Trainable model) implements DenoiserSession {
    @Override
    public List<Bound> bind(List<Map<String, Tensor>> inputs) {
      return inputs.stream().<Bound>map(own -> new AllInputs(model, own)).toList();
    }

    @Override
    public void close() {}
  }

  private record AllInputs(Trainable model, Map<String, Tensor> conditions)
      implements DenoiserSession.Bound {
    @Override
    public Tensor predict(Map<String, Tensor> step) {
      var inputs = new HashMap<>(conditions);
      inputs.putAll(step);
      return model.predict(inputs);
    }

    @Override
    public void close() {}
  }

  /** Whether videos are due after so many of all steps. */
  boolean dueAfter(int step, int steps) {
    return step == steps || step % everySteps == 0;
  }
}
