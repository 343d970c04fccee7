package io.github.tpdiff.adapters.wan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptEncoder;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.GivenNoise;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VaeEncoder;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
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
        assertEquals(model.description(), unpriced(parts.description()));
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
      float[] exact = staged(PipelineParts.of(model, reference));
      assertArrayEquals(exact, staged(PipelineParts.of(model, torch)), 1e-4f);
      try (var parts = ExportedFolder.open(export, onnx)) {
        assertArrayEquals(exact, staged(parts), 1e-4f);
      }
    }
  }

  private static float[] staged(PipelineParts parts) {
    VideoRequest request =
        asked()
            .withSize(new VideoSize(32, 48, 9, 16))
            .withSampling(asked().sampling().withStages(StageChoice.of(STAGES)).withSteps(2))
            .withSeed(1)
            .of(parts);
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
        var text = PromptEncoder.open(parts)) {
      golden.assertMatches("mid.prompt_embeds", embedding(text, PROMPT));
      golden.assertMatches("mid.negative_prompt_embeds", embedding(text, NEGATIVE));
    }
  }

  private static Tensor embedding(PromptEncoder text, String prompt) {
    return Objects.requireNonNull(text.encode(prompt).get("encoder_hidden_states"));
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

  /** Without what an export alone says: what a pass takes. */
  private static ModelDescription unpriced(ModelDescription exported) {
    assertTrue(exported.flow().denoisers().get(0).bytesPerLatent().isPresent());
    return exported.withFlow(
        exported.flow().withDenoisers(List.of(Flow.Expert.alone("transformer"))));
  }

  private static GenerationRequest asked() {
    return GenerationRequest.of(PROMPT)
        .withNegativePrompt(NEGATIVE)
        .withSize(new VideoSize(32, 48, 5, 16))
        .withSampling(SamplingChoice.open().withSteps(4).withGuidance(5));
  }

  private static VideoRequest request(Golden golden, PipelineParts parts) {
    Tensor initial = golden.tensor("in.latents");
    assertArrayEquals(new long[] {1, 16, 2, 4, 6}, initial.shape());
    var latents = Latents.of(new LatentShape(1, 16, 2, 4, 6), initial.toFloatArray());
    return asked().of(parts).withNoise(new GivenNoise(latents, NoiseSource.seeded(0)));
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
