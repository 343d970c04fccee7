package io.github.tpdiff.serve;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.serving.NamedLora;
import java.util.List;
import java.util.Optional;

/**
 * The fields of {@code POST /v1/videos}, as clients send them and as operators set their defaults;
 * pictures apart.
 *
 * @param model by its name here
 * @param prompt what the video shows
 * @param negativePrompt what guidance leads away from
 * @param size such as {@code 832x480}
 * @param width pixels
 * @param height pixels
 * @param seconds about how long, such as {@code "4"}; the frames that fit the model decide
 * @param numFrames pixel frames
 * @param fps frames per second of the file
 * @param numInferenceSteps sampler steps, all stages together
 * @param sigmas noise levels at which the network is asked, in their place
 * @param timesteps the same on the checkpoint's own scale
 * @param guidanceScale 1 is none
 * @param guidanceScale_2 of the second denoiser, where a model has two
 * @param stageGuidance of each stage, coarsest first, in their place
 * @param guidanceInterval noise levels between which guidance takes part
 * @param seed of the noise
 * @param stages how many; what the weights were trained for unless it is said
 * @param rates of each stage over the one before
 * @param split shares of the steps, coarsest stage first
 * @param sampler a solver, by name
 * @param scheduler a noise schedule of the model's, by name
 * @param lora by their names here, in their order
 */
@SuppressWarnings("MemberName") // guidance_scale_2 is what others call it
public record VideoFields(
    Optional<String> model,
    Optional<String> prompt,
    Optional<String> negativePrompt,
    Optional<String> size,
    Optional<Integer> width,
    Optional<Integer> height,
    Optional<String> seconds,
    Optional<Integer> numFrames,
    Optional<Double> fps,
    Optional<Integer> numInferenceSteps,
    Optional<NoiseLevels> sigmas,
    Optional<NoiseLevels> timesteps,
    Optional<Double> guidanceScale,
    Optional<Double> guidanceScale_2,
    List<Double> stageGuidance,
    Optional<NoiseLevels> guidanceInterval,
    Optional<Long> seed,
    Optional<Integer> stages,
    List<GridFactor> rates,
    List<Integer> split,
    Optional<String> sampler,
    Optional<String> scheduler,
    List<NamedLora> lora) {
  public VideoFields {
    stageGuidance = List.copyOf(stageGuidance);
    rates = List.copyOf(rates);
    split = List.copyOf(split);
    lora = List.copyOf(lora);
  }

  /** Everything as it is without them. */
  public static VideoFields open() {
    return new VideoFields(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        List.of());
  }
}
