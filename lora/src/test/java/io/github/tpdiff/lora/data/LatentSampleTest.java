package io.github.tpdiff.lora.data;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.runtime.diffusion.CleanPair;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.LatentSpectrum;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatentSampleTest {
  private static final VideoSize SIZE = new VideoSize(16, 16, 8, 8);
  @TempDir private Path folder;

  /** A latent for each frame: its first value. Nothing else is to be asked. */
  private static final ClipEncoders FRAMES =
      new ClipEncoders() {
        @Override
        public LatentEncoder openLatents() {
          return new LatentEncoder() {
            @Override
            public Latents encode(VideoClip clip) {
              float[] data = new float[clip.frames()];
              for (int f = 0; f < data.length; f++) {
                data[f] = clip.data()[f * clip.height() * clip.width()];
              }
              return Latents.of(new LatentShape(1, 1, data.length, 1, 1), data);
            }

            @Override
            public void close() {}
          };
        }

        @Override
        public String latentsFingerprint() {
          throw new AssertionError("nothing is cached");
        }

        @Override
        public String captionsFingerprint() {
          throw new AssertionError("captions are not read");
        }

        @Override
        public List<PromptTokens> captionTokens() {
          throw new AssertionError("captions are not read");
        }

        @Override
        public Flow flow() {
          throw new AssertionError("no network is asked");
        }

        @Override
        public CaptionEncoder openCaptions() {
          throw new AssertionError("captions are not read");
        }
      };

  private static ClipEncoders.EncodedClip encoded(LatentShape shape) {
    return new ClipEncoders.EncodedClip(Latents.zeros(shape), Map.of());
  }

  /** Frames of one grey each. */
  private void video(String name, float... greys) throws IOException {
    int pixels = 16 * 16;
    float[] data = new float[3 * greys.length * pixels];
    for (int plane = 0; plane < 3 * greys.length; plane++) {
      Arrays.fill(data, plane * pixels, (plane + 1) * pixels, greys[plane % greys.length]);
    }
    VideoWriter.write(
        folder.resolve(name + ".mp4"), new VideoClip(data, greys.length, 16, 16, SIZE.fps()));
  }

  private LatentSample sample(int most, List<String> heard) {
    return LatentSample.encode(
        new LatentSample.Request(folder, SIZE, most, LatentSample.Use.measured()),
        FRAMES,
        (video, done, total) -> heard.add(video.getFileName() + " " + done + "/" + total));
  }

  @Test
  void spectrum_ofVideosIsThatOfTheirFrames() throws Exception {
    video("still", 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f);
    var still = LatentSpectrum.of(sample(4, new ArrayList<>()).clips(), 0);
    assertThat(still.powerLost(GridFactor.ofTime(2))).isLessThan(1e-3);
    assertThat(still.power().get(0)).isCloseTo(8 * 0.25, within(0.1));
    Files.delete(folder.resolve("still.mp4"));
    video("fast", 0.8f, -0.8f, 0.8f, -0.8f, 0.8f, -0.8f, 0.8f, -0.8f);
    var fast = LatentSpectrum.of(sample(4, new ArrayList<>()).clips(), 0);
    // All power is 8·0.64, none of it in the mean.
    assertThat(fast.power().stream().mapToDouble(p -> p).sum()).isCloseTo(5.1, within(0.4));
    assertThat(fast.power().get(0)).isCloseTo(0, within(0.02));
    assertThat(fast.powerLost(GridFactor.ofTime(2))).isGreaterThan(0.8);
  }

  @Test
  void videos_areTakenFromTheWholeListAndThoseThatGiveNoClipAreReplaced() throws Exception {
    for (int i = 0; i < 8; i++) {
      video("v" + i, new float[i == 4 ? 3 : 8]);
    }
    Files.writeString(folder.resolve("v6.mp4"), "no video");
    var heard = new ArrayList<String>();
    LatentSample sample = sample(4, heard);
    assertThat(heard).containsExactly("v0.mp4 1/4", "v2.mp4 2/4", "v1.mp4 3/4", "v3.mp4 4/4");
    assertThat(sample.clips()).hasSize(4);
    assertThat(sample.videos()).isEqualTo(8);
    assertThat(sample(100, new ArrayList<>()).clips()).hasSize(6);
  }

  @Test
  void folderWithoutALongEnoughVideo_saysSo() throws Exception {
    video("short", 0, 0, 0);
    assertThatThrownBy(() -> sample(4, new ArrayList<>()))
        .hasMessageContaining("expected a video that fills 8 frames at 8.0 fps, found none among 1")
        .hasMessageContaining("short.mp4: expected 8 frames");
  }

  @Test
  void preparedClips_areReadFromAJobsCache() throws Exception {
    var latents = new LatentShape(1, 2, 4, 1, 1);
    var longer = latents.withFrames(8);
    var made = new PreparedVideo.Clip("made", 1, Optional.empty());
    Path cache = Files.createDirectory(folder.resolve("latents"));
    for (int i = 0; i < 3; i++) {
      new LatentCache(cache.resolve(i + ".safetensors"))
          .write(
              List.of(
                  new LatentCache.Clip(encoded(latents), made),
                  new LatentCache.Clip(encoded(longer), made)));
    }
    assertThat(LatentSample.isPrepared(folder)).isTrue();
    assertThat(LatentSample.isPrepared(cache)).isFalse();
    assertThat(LatentSample.prepared(folder, longer.grid(), 2).clips())
        .extracting(Latents::shape)
        .containsExactly(longer, longer);
    assertThatThrownBy(() -> LatentSample.prepared(folder, new LatentGrid(5, 1, 1), 2))
        .hasMessageContaining(
            "expected a prepared clip of [5, 1, 1] latent frames, rows and columns, found none among 3");
  }

  /** A latent for each frame and eight pixels, of one value; tells of pictures, and captions. */
  private static final class Telling implements ClipEncoders {
    private final List<String> captions = new ArrayList<>();

    @Override
    public LatentEncoder openLatents() {
      return new LatentEncoder() {
        @Override
        public Latents encode(VideoClip clip) {
          var shape = new LatentShape(1, 1, clip.frames(), clip.height() / 8, clip.width() / 8);
          float[] data = new float[shape.elements()];
          Arrays.fill(data, clip.data()[0]);
          return Latents.of(shape, data);
        }

        @Override
        public Map<String, Tensor> pictures(ClipPictures pictures, LatentShape latents) {
          return Map.of("picture", Tensor.ofFloats(new float[] {pictures.clip().data()[0]}, 1));
        }

        @Override
        public Map<String, Tensor> picturesOfStage(ClipPictures pictures, LatentShape latents) {
          return Map.of("picture", Tensor.ofFloats(new float[] {latents.frames()}, 1));
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public CaptionEncoder openCaptions() {
      return new CaptionEncoder() {
        @Override
        public Map<String, Tensor> encode(String caption) {
          captions.add(caption);
          return Map.of("text", Tensor.ofFloats(new float[] {caption.length()}, 1));
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public String latentsFingerprint() {
      throw new AssertionError("nothing is cached");
    }

    @Override
    public String captionsFingerprint() {
      throw new AssertionError("nothing is cached");
    }

    @Override
    public List<PromptTokens> captionTokens() {
      throw new AssertionError("no caption is cut");
    }

    @Override
    public Flow flow() {
      return TinyNetwork.FLOW;
    }
  }

  @Test
  void clipsThatANetworkIsAskedAbout_haveCaptionsPicturesAndSmallerVideos() throws Exception {
    video("a", 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f);
    video("b", -0.5f, 0, 0, 0, 0, 0, 0, 0);
    Files.writeString(folder.resolve("b.txt"), "a flash");
    var stages =
        StageConfig.of(List.of(GridFactor.cube(2)), FrameResampling.groupedFirstFrame())
            .withTargets(StageConfig.Targets.PIXEL);
    NoiseSchedule schedule =
        Scheduler.fromConfig(Map.of("_class_name", "FlowMatchEulerDiscreteScheduler")).schedule();
    StagePlan plan = StagePlan.of(stages, schedule, new LatentGrid(8, 2, 2));
    var encoders = new Telling();
    TrainingSet told =
        LatentSample.encode(
                new LatentSample.Request(folder, SIZE, 4, LatentSample.Use.asked(plan)),
                encoders,
                (video, done, total) -> {})
            .told(encoders);
    assertThat(encoders.captions).containsExactly("", "a flash");
    assertThat(requireNonNull(told.conditions(0).values().get("text")).floats().get(0)).isZero();
    assertThat(requireNonNull(told.conditions(1).values().get("text")).floats().get(0))
        .isEqualTo(7);
    assertThat(requireNonNull(told.conditions(0).values().get("picture")).floats().get(0))
        .isCloseTo(0.5f, within(0.05f));
    assertThat(told.conditions(0).ofGrids().keySet()).containsExactly(new LatentGrid(4, 1, 1));
    CleanPair pair = told.cleanPair(1, plan, plan.stage(1));
    assertThat(pair.own().shape().grid()).isEqualTo(plan.grid());
    assertThat(pair.coarser().orElseThrow().shape().grid()).isEqualTo(new LatentGrid(4, 1, 1));
    assertThat(told.clean(1, plan, plan.stage(2)).data()[0]).isCloseTo(-0.5f, within(0.1f));
    assertThatThrownBy(() -> told.latents(0, GridFactor.cube(4)))
        .hasMessageContaining("expected them with strides [4, 4, 4]");
  }

  @Test
  void clipsThatAreMeasured_haveNeitherCaptionsNorPictures() throws Exception {
    video("a", new float[8]);
    Files.writeString(folder.resolve("a.txt"), "dark");
    LatentSample.Clip clip = sample(1, new ArrayList<>()).sampled().get(0);
    assertThat(clip.caption()).isEmpty();
    assertThat(clip.byStrides().keySet()).containsExactly(GridFactor.ONE);
    assertThat(requireNonNull(clip.byStrides().get(GridFactor.ONE)).conditions()).isEmpty();
  }
}
