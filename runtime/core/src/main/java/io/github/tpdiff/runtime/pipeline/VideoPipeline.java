package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.GenerationListener.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Prompt to latents to video, through one stage or many.
 *
 * <p>The parts are loaded one after another and freed as soon as they are done with: text encoder,
 * conditioning, denoiser, and the VAE once frames are asked for. Everything a request can have
 * wrong is found before the first is loaded.
 *
 * @param parts what the pipeline is made of; stays the caller's to close
 */
public record VideoPipeline(PipelineParts parts) {

  /**
   * Generates latents; the video is decoded from them when asked for.
   *
   * @throws IllegalArgumentException if the request does not fit the model, in one line
   * @throws io.github.tpdiff.weights.CheckpointException if a part is absent or does not fit
   */
  public GeneratedVideo generate(GenerationRequest request, GenerationListener listener) {
    Sampling sampling = request.sampling();
    Decided decided = stages(request);
    LatentShape shape = request.size().latentShape(parts.description().latents(), decided.stages());
    var plan = StagePlan.of(decided.stages(), sampling.scheduler().schedule(), shape.frames());
    var sampler = StagedSampler.of(plan, sampling.scheduler().sampler(), sampling.steps());
    listener.onStages(decided);
    listener.onPhase(Phase.TEXT);
    List<Map<String, Tensor>> prompts = condition(embed(request));
    listener.onPhase(Phase.DENOISING);
    var watch = new StepWatch(sampling.steps(), listener);
    Latents latents =
        denoise(
            prompts,
            sampling.guidance(),
            denoiser -> sampler.sample(shape, denoiser, request.noise(), watch));
    return new GeneratedVideo(parts, latents, request.size().fps(), listener);
  }

  /**
   * The stages that a request comes to with these parts.
   *
   * @throws IllegalArgumentException if the request does not fit the model, in one line
   */
  public Decided stages(GenerationRequest request) {
    Sampling sampling = request.sampling();
    Decided decided = parts.stages(sampling.stages());
    var shape = request.size().latentShape(parts.description().latents(), decided.stages());
    StagePlan.of(decided.stages(), sampling.scheduler().schedule(), shape.frames());
    decided.stages().splitSteps(sampling.steps());
    return decided;
  }

  private List<Tensor> embed(GenerationRequest request) {
    try (var text = TextEncoding.open(parts)) {
      var embeddings = new ArrayList<Tensor>();
      embeddings.add(text.encode(request.prompt()));
      if (request.sampling().guidance().needsUnconditional()) {
        embeddings.add(text.encode(request.negativePrompt()));
      }
      return embeddings;
    }
  }

  private List<Map<String, Tensor>> condition(List<Tensor> embeddings) {
    try (var conditioning = Conditioning.open(parts)) {
      return embeddings.stream().map(conditioning::of).toList();
    }
  }

  private interface Sample {
    Latents with(Denoiser denoiser);
  }

  private Latents denoise(List<Map<String, Tensor>> prompts, Guidance guidance, Sample sample) {
    try (Executable network = parts.load(Role.DENOISER);
        var conditional = BoundDenoiser.bind(network, prompts.get(0))) {
      if (prompts.size() == 1) {
        return sample.with(conditional);
      }
      try (var unconditional = BoundDenoiser.bind(network, prompts.get(1))) {
        return sample.with(guidance.guide(conditional, () -> unconditional));
      }
    }
  }
}
