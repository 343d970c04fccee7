package io.github.tpdiff.adapters.wan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.GivenNoise;
import io.github.tpdiff.runtime.pipeline.PipelineParts;
import io.github.tpdiff.runtime.pipeline.TextEncoding;
import io.github.tpdiff.runtime.pipeline.VaeEncoder;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tiny checkpoint from prompt to frames, against diffusers' own pipeline. */
final class WanPipelineGoldenTest {
  private static final String PROMPT = "A red fox runs through deep snow &amp; wind.";
  private static final String NEGATIVE = "Worst quality, low quality, static";
  private static final StageConfig STAGES =
      StageConfig.pyramid(2, FrameResampling.sharedFirstFrame());

  @Test
  void promptToFrames_matchesDiffusers() {
    try (var golden = Golden.open("wan/pipeline");
        VideoModel model = new WanFamily().open(golden.checkpoint());
        var engine = new ReferenceEngine();
        var parts = PipelineParts.of(model, engine)) {
      assertMatchesDiffusers(golden, parts);
    }
  }

  @Test
  void promptToFramesOnTorch_matchesDiffusers() {
    try (var golden = Golden.open("wan/pipeline");
        VideoModel model = new WanFamily().open(golden.checkpoint());
        var engine = TorchEngine.cpu();
        var parts = PipelineParts.of(model, engine)) {
      assertMatchesDiffusers(golden, parts);
    }
  }

  @Test
  void promptToFramesFromAnExportedFolder_matchesDiffusers(@TempDir Path folder) {
    Path export = folder.resolve("export");
    try (var golden = Golden.open("wan/pipeline");
        VideoModel model = new WanFamily().open(golden.checkpoint())) {
      ExportedFolder.write(model, export, ExportRequest.asTrained());
      try (var engine = OnnxEngine.on(OnnxDevice.CPU);
          var parts = ExportedFolder.open(export, engine)) {
        assertEquals(model.description(), parts.description());
        assertEquals(1, parts.stages().stages());
        assertMatchesDiffusers(golden, parts);
      }
    }
  }

  private static void assertMatchesDiffusers(Golden golden, PipelineParts parts) {
    GeneratedVideo video =
        new VideoPipeline(parts).generate(request(golden, parts), GenerationListener.silent());
    golden.assertMatches("out.latents", tensor(video.latents()));
    golden.assertMatches("out.frames", frames(video.clip()));
  }

  /** The exact engine is the oracle; fp32 engines differ from it by rounding through two steps. */
  @Test
  void stagedLatents_areThoseOfTheExactEngine(@TempDir Path folder) {
    Path export = folder.resolve("export");
    try (var golden = Golden.open("wan/pipeline");
        VideoModel model = new WanFamily().open(golden.checkpoint());
        var reference = new ReferenceEngine();
        var torch = TorchEngine.cpu();
        var onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      ExportedFolder.write(model, export, ExportRequest.of(STAGES));
      float[] exact = staged(golden, PipelineParts.of(model, reference));
      assertArrayEquals(exact, staged(golden, PipelineParts.of(model, torch)), 1e-4f);
      try (var parts = ExportedFolder.open(export, onnx)) {
        assertArrayEquals(exact, staged(golden, parts), 1e-4f);
      }
    }
  }

  private static float[] staged(Golden golden, PipelineParts parts) {
    GenerationRequest vanilla = request(golden, parts);
    var request =
        vanilla
            .withSize(new VideoSize(32, 48, 9, 16))
            .withSampling(vanilla.sampling().withStages(STAGES).withSteps(2))
            .withNoise(NoiseSource.seeded(1));
    Latents latents =
        new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents();
    assertEquals(new LatentShape(1, 16, 3, 4, 6), latents.shape());
    return latents.data();
  }

  @Test
  void embeddings_matchDiffusers() {
    try (var golden = Golden.open("wan/pipeline");
        VideoModel model = new WanFamily().open(golden.checkpoint());
        var engine = new ReferenceEngine();
        var parts = PipelineParts.of(model, engine);
        var text = TextEncoding.open(parts)) {
      golden.assertMatches("mid.prompt_embeds", text.encode(PROMPT));
      golden.assertMatches("mid.negative_prompt_embeds", text.encode(NEGATIVE));
    }
  }

  @Test
  void clipToLatents_matchesDiffusers() {
    try (var golden = Golden.open("wan/vae");
        VideoModel model = new WanFamily().open(golden.checkpoint());
        var engine = new ReferenceEngine();
        var encoder = VaeEncoder.open(PipelineParts.of(model, engine))) {
      Tensor video = golden.tensor("in.f5.video");
      long[] s = video.shape();
      var clip = new VideoClip(video.toFloatArray(), (int) s[2], (int) s[3], (int) s[4], 16);
      golden.assertMatches("out.f5.latent_normalized", tensor(encoder.encode(clip)));
    }
  }

  private static GenerationRequest request(Golden golden, PipelineParts parts) {
    Tensor initial = golden.tensor("in.latents");
    assertArrayEquals(new long[] {1, 16, 2, 4, 6}, initial.shape());
    var latents = Latents.of(new LatentShape(1, 16, 2, 4, 6), initial.toFloatArray());
    GenerationRequest request =
        GenerationRequest.of(parts.description(), PROMPT)
            .withNegativePrompt(NEGATIVE)
            .withSize(new VideoSize(32, 48, 5, 16))
            .withNoise(new GivenNoise(latents, NoiseSource.seeded(0)));
    return request.withSampling(request.sampling().withSteps(4).withGuidance(Guidance.scale(5)));
  }

  private static Tensor tensor(Latents latents) {
    LatentShape shape = latents.shape();
    return Tensor.ofFloats(
        latents.data(), 1, shape.channels(), shape.frames(), shape.height(), shape.width());
  }

  /** [1, F, 3, H, W] in [0, 1], as diffusers gives frames. */
  private static Tensor frames(VideoClip clip) {
    int values = 3 * clip.height() * clip.width();
    var all = new float[clip.frames() * values];
    for (int f = 0; f < clip.frames(); f++) {
      float[] frame = clip.frame(f).data();
      for (int i = 0; i < values; i++) {
        all[f * values + i] = frame[i] / 2 + 0.5f;
      }
    }
    return Tensor.ofFloats(all, 1, clip.frames(), 3, clip.height(), clip.width());
  }
}
