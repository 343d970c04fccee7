package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.LoraDropout;
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
import java.util.Optional;

/**
 * Videos made while training goes on, always of the same noises, so that two of them differ only by
 * what was learned between them.
 *
 * <p>They are sampled with the staged sampler on the weights that are being trained: nothing is
 * loaded a second time, and a prediction takes less memory than a training step of the same size.
 *
 * @param videos what each shows, and how it is sampled
 * @param everySteps how often they are made
 * @param atFirst whether before the first step too
 * @param writer makes files of them, if there are to be any
 */
public record TrainingSamples(
    List<SampledVideo> videos, int everySteps, boolean atFirst, Optional<SampleWriter> writer) {
  /**
   * One video.
   *
   * @param prompt what it shows
   * @param unconditional the same for what guidance leads away from, of whichever picture
   * @param shape of its latents at full rate
   * @param sampler through the stages that are trained
   * @param guidance how {@code unconditional} takes part
   * @param seed of its noise
   */
  public record SampledVideo(
      Conditions prompt,
      Conditions unconditional,
      LatentShape shape,
      StagedSampler sampler,
      Guidance guidance,
      long seed) {

    Latents draw(Trainable model) {
      List<Conditions> asked =
          guidance.needsUnconditional()
              ? List.of(prompt, unconditional.with(prompt.pictures()))
              : List.of(prompt);
      try (var network =
          ConditionedNetwork.inTurn(new TrainedNetwork(model), prompt.flow().denoiser(), asked)) {
        return prompt.withGivenFrames(
            sampler.sample(
                shape, network.guided(guidance), NoiseSource.seeded(seed), StageListener.silent()));
      }
    }
  }

  /**
   * @throws IllegalArgumentException if there is no video or {@code everySteps} is not positive
   */
  public TrainingSamples {
    checkArgument(everySteps >= 1, "sample.every: at least 1, found %s", everySteps);
    checkArgument(!videos.isEmpty(), "sample.prompts: expected at least one, found none");
    videos = List.copyOf(videos);
  }

  /** The same with files. */
  public TrainingSamples writtenBy(SampleWriter other) {
    return new TrainingSamples(videos, everySteps, atFirst, Optional.of(other));
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
      inputs.putAll(LoraDropout.nothing());
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
