package io.github.tpdiff.adapters.animatediff;

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
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tiny checkpoint from prompt to frames, against diffusers' own pipeline. */
final class AnimateDiffPipelineGoldenTest {
  private static final StageConfig STAGES =
      StageConfig.pyramid(3, FrameResampling.groupedFirstFrame());

  @TempDir private Path folder;

  @Test
  void promptToFramesFromAnExportedFolder_matchesDiffusers() {
    Path export = folder.resolve("export");
    try (var golden = Golden.open("animatediff/pipeline");
        VideoModel model = new AnimateDiffFamily().open(golden.checkpoint())) {
      ExportedFolder.write(model, export, ExportRequest.asTrained());
      assertTrue(Files.exists(export.resolve("unet/model.onnx")));
      try (var engine = OnnxEngine.on(OnnxDevice.CPU);
          var parts = ExportedFolder.open(export, engine)) {
        assertEquals(model.description(), unpriced(parts.description()));
        GeneratedVideo video =
            new VideoPipeline(parts).generate(request(golden, parts), GenerationListener.silent());
        golden.assertMatches("out.latents", tensor(video.latents()));
        golden.assertMatches("out.frames", frames(video.clip()));
      }
    }
  }

  /** Two engines that share no lowering: 2, 4 and 8 frames, one step each. */
  @Test
  void stagedLatents_areTheSameOnBothEngines() {
    try (var golden = Golden.open("animatediff/pipeline");
        VideoModel model = new AnimateDiffFamily().open(golden.checkpoint());
        var torch = TorchEngine.cpu();
        var onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      float[] onTorch = staged(PipelineParts.of(model, torch));
      assertArrayEquals(onTorch, staged(PipelineParts.of(model, onnx)), 1e-3f);
    }
  }

  private static float[] staged(PipelineParts parts) {
    VideoRequest request =
        asked()
            .withSampling(
                SamplingChoice.open()
                    .withStages(StageChoice.of(STAGES))
                    .withSteps(3)
                    .withGuidance(1))
            .withSeed(1)
            .of(parts);
    return new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents().data();
  }

  /** Without what an export alone says: what a pass takes. */
  private static ModelDescription unpriced(ModelDescription exported) {
    assertTrue(exported.flow().denoisers().get(0).bytesPerLatent().isPresent());
    return exported.withFlow(exported.flow().withDenoisers(List.of(Flow.Expert.alone("unet"))));
  }

  private static GenerationRequest asked() {
    return GenerationRequest.of("a red fox runs through deep snow")
        .withNegativePrompt("worst quality, blurry")
        .withSize(new VideoSize(64, 48, 8, 8))
        .withSampling(SamplingChoice.open().withSteps(4).withGuidance(7.5));
  }

  private static VideoRequest request(Golden golden, PipelineParts parts) {
    Tensor initial = golden.tensor("in.latents");
    assertArrayEquals(new long[] {1, 4, 8, 8, 6}, initial.shape());
    var latents = Latents.of(new LatentShape(1, 4, 8, 8, 6), initial.toFloatArray());
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
