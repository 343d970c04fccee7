package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.GivenNoise;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;

/**
 * Kinds {@code pipeline}, {@code i2v_pipeline}, {@code two_expert_pipeline} and {@code
 * ti2v_pipeline}: prompt, pictures and initial latents to final latents and frames.
 *
 * @param family that opens the checkpoint
 */
public record PipelineCase(ModelFamily family) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    try (VideoModel model = family.open(model(golden))) {
      for (GoldenRun run : golden.runs()) {
        Optional<Integer> tokens = run.args().findInteger("max_sequence_length");
        VideoModel asked = tokens.map(count -> PromptLength.of(model, count)).orElse(model);
        GeneratedVideo video =
            new VideoPipeline(PipelineParts.of(asked, engine))
                .generate(request(asked.description(), run), GenerationListener.silent());
        if (run.expects("latents")) {
          checks.compare(run.prefix() + "latents", NetworkInputs.tensor(video.latents()));
        }
        if (run.expects("frames")) {
          checks.compare(run.prefix() + "frames", frames(video.clip()));
        }
      }
    }
  }

  /** The checkpoint, and whatever of it the case says lies elsewhere or is chosen otherwise. */
  private ModelRequest model(GoldenCase golden) {
    var parts = new HashMap<String, Path>();
    for (String part : family.parts()) {
      golden.args().findText(part).ifPresent(path -> parts.put(part, golden.path(path)));
    }
    var settings = new HashMap<String, String>();
    for (String setting : family.settings().keySet()) {
      golden.args().findText(setting).ifPresent(value -> settings.put(setting, value));
    }
    return new ModelRequest(golden.checkpoint(), parts, settings);
  }

  private static VideoRequest request(ModelDescription description, GoldenRun run) {
    Arguments args = run.args();
    double fps = description.defaults().fps();
    var size =
        new VideoSize(
            args.integer("height"), args.integer("width"), args.integer("num_frames"), fps);
    double guidance = args.number("guidance_scale");
    double ofSecond = args.findNumber("guidance_scale_2").orElse(guidance);
    SamplingChoice sampling =
        SamplingChoice.open()
            .withSteps(args.integer("num_inference_steps"))
            .withGuidance(
                description.flow().denoisers().size() == 1
                    ? List.of(guidance)
                    : List.of(guidance, ofSecond));
    var noise = new GivenNoise(LatentTensor.latents(run.input("latents")), NoiseSource.seeded(0));
    GenerationRequest asked =
        GenerationRequest.of(args.text("prompt"))
            .withNegativePrompt(args.findText("negative_prompt").orElse(""))
            .withSize(size)
            .withSampling(sampling);
    Optional<Path> picture = CasePictures.file(run, "image");
    Optional<Path> last = CasePictures.file(run, "last_image");
    asked = picture.map(asked::withPicture).orElse(asked);
    asked = last.map(asked::withLastPicture).orElse(asked);
    return asked.of(description).withNoise(noise);
  }

  /** [1, F, 3, H, W] in [0, 1]. */
  private static Tensor frames(VideoClip clip) {
    int plane = clip.height() * clip.width();
    var values = new float[3 * clip.frames() * plane];
    for (int f = 0; f < clip.frames(); f++) {
      for (int c = 0; c < 3; c++) {
        for (int i = 0; i < plane; i++) {
          float value = clip.data()[(c * clip.frames() + f) * plane + i] / 2 + 0.5f;
          values[(f * 3 + c) * plane + i] = Math.max(0, Math.min(1, value));
        }
      }
    }
    return Tensor.ofFloats(values, 1, clip.frames(), 3, clip.height(), clip.width());
  }
}
