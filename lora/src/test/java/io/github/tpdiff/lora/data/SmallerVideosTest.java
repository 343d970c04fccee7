package io.github.tpdiff.lora.data;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.common.hash.Hashing;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Smaller videos of clips: how they are made, and when they are made anew. */
final class SmallerVideosTest {
  private static final GridFactor HALVES = GridFactor.cube(2);
  private static final GridFactor QUARTERS = GridFactor.cube(4);
  private static final List<VideoSize> SIZES = List.of(new VideoSize(32, 64, 17, 8));

  private static final Flow FLOW =
      new Flow(
          List.of(
              ComponentDescription.of(
                  "image_encoder", Runs.PICTURE, Map.of("x", Flow.PICTURE), Map.of("y", "rows")),
              ComponentDescription.of(
                  "image_latents", Runs.PICTURE, Map.of("x", Flow.PICTURE), Map.of("y", "frames")),
              ComponentDescription.of("transformer", Runs.STEP, Map.of(), Map.of())),
          List.of(Flow.Expert.alone("transformer")),
          List.of(),
          List.of(
              new Condition(
                  "rows", ElementType.F32, List.of("batch"), Condition.Follows.NOTHING, true),
              new Condition(
                  "frames",
                  ElementType.F32,
                  List.of("batch", "frames"),
                  Condition.Follows.FRAMES,
                  true)),
          Map.of());

  @TempDir private Path folder;
  private Path videos;

  /** Gives the means of blocks of 4 frames and 8 x 8 pixels of each colour, and counts. */
  private static final class Blocks implements ClipEncoders {
    private final int most;
    private final List<LatentGrid> encoded = new ArrayList<>();
    private final List<VideoClip> clips = new ArrayList<>();

    Blocks(int most) {
      this.most = most;
    }

    @Override
    public Flow flow() {
      return FLOW;
    }

    @Override
    public String latentsFingerprint() {
      return "latents";
    }

    @Override
    public String captionsFingerprint() {
      return "captions";
    }

    @Override
    public List<PromptTokens> captionTokens() {
      return List.of();
    }

    @Override
    public LatentEncoder openLatents() {
      return new LatentEncoder() {
        @Override
        public Latents encode(VideoClip clip) {
          if (encoded.size() == most) {
            throw new IllegalStateException("stopped");
          }
          Latents latents = blocks(clip);
          encoded.add(latents.shape().grid());
          clips.add(clip);
          return latents;
        }

        @Override
        public Map<String, Tensor> pictures(ClipPictures given, LatentShape latents) {
          return Map.of(
              "rows", Tensor.ofFloats(new float[] {given.clip().height()}, 1),
              "frames", frames(given));
        }

        @Override
        public Map<String, Tensor> picturesOfStage(ClipPictures given, LatentShape latents) {
          return Map.of("frames", frames(given));
        }

        private Tensor frames(ClipPictures given) {
          VideoClip clip = given.clip();
          float[] data = {clip.frames(), clip.height(), clip.data()[0]};
          return Tensor.ofFloats(data, 1, 3);
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
          return Map.of("text", Tensor.zeros(1));
        }

        @Override
        public void close() {}
      };
    }
  }

  private static Latents blocks(VideoClip clip) {
    int frames = 1 + (clip.frames() - 1) / 4;
    var shape = new LatentShape(1, 3, frames, clip.height() / 8, clip.width() / 8);
    var sums = new double[shape.elements()];
    int[] counts = new int[sums.length];
    for (int i = 0; i < clip.data().length; i++) {
      int x = i % clip.width() / 8;
      int y = i / clip.width() % clip.height() / 8;
      int frame = i / clip.width() / clip.height() % clip.frames();
      int colour = i / clip.width() / clip.height() / clip.frames();
      int to = ((colour * frames + (frame + 3) / 4) * shape.height() + y) * shape.width() + x;
      sums[to] += clip.data()[i];
      counts[to]++;
    }
    Latents latents = Latents.zeros(shape);
    for (int i = 0; i < sums.length; i++) {
      latents.data()[i] = (float) (sums[i] / counts[i]);
    }
    return latents;
  }

  @BeforeEach
  void write() throws IOException {
    videos = Files.createDirectory(folder.resolve("videos"));
    for (int v = 0; v < 2; v++) {
      float[] data = new float[3 * 36 * 32 * 64];
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) Math.sin(i * (0.01 + 0.02 * v));
      }
      VideoWriter.write(videos.resolve(v + ".mp4"), new VideoClip(data, 36, 32, 64, 8));
      Files.writeString(videos.resolve(v + ".txt"), "waves");
    }
  }

  private Preparation.Prepared prepare(Blocks encoders, GridFactor... strides) {
    var request =
        PreparationRequest.of(
                SourceSet.of(videos, new GivenSizes(SIZES), 2), folder.resolve("cache"))
            .withStrides(List.of(strides));
    return Preparation.prepare(request, encoders, (v, d, t) -> {});
  }

  private static Blocks patient() {
    return new Blocks(Integer.MAX_VALUE);
  }

  private static LatentGrid grid(int frames, int height, int width) {
    return new LatentGrid(frames, height, width);
  }

  private List<Path> files(String kind) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache").resolve(kind))) {
      return files.sorted().toList();
    }
  }

  @Test
  void latentsOfAStage_areThoseOfEveryNthFrameWithAveragedPixels() {
    var encoders = patient();
    CachedSet set = prepare(encoders, HALVES).clips();
    assertThat(set.shapes()).hasSize(4).containsOnly(new LatentShape(1, 3, 5, 4, 8));
    // Each video: a clip and the smaller one of it, then the next.
    VideoClip full = encoders.clips.get(2);
    var smaller = new float[3 * 9 * 16 * 32];
    for (int i = 0; i < smaller.length; i++) {
      int x = i % 32;
      int y = i / 32 % 16;
      int frame = i / 32 / 16 % 9;
      int colour = i / 32 / 16 / 9;
      int from = ((colour * 17 + 2 * frame) * 32 + 2 * y) * 64 + 2 * x;
      smaller[i] =
          (full.data()[from]
                  + full.data()[from + 1]
                  + full.data()[from + 64]
                  + full.data()[from + 65])
              / 4;
    }
    Latents expected = blocks(new VideoClip(smaller, 9, 16, 32, 4));
    Latents found = set.latents(1, HALVES);
    assertThat(found.shape()).isEqualTo(new LatentShape(1, 3, 3, 2, 4));
    assertThat(found.data()).containsExactly(expected.data(), within(1e-6f));
    assertThat(set.latents(1).data()).containsExactly(blocks(full).data());
  }

  @Test
  void anotherPlan_reusesTheGridsThatAreThere() throws IOException {
    var first = patient();
    assertThat(prepare(first, QUARTERS, HALVES).report().table())
        .contains(
            "clips encoded, the others were cached: 4 with strides 1, 4 with strides [4, 4, 4], 4"
                + " with strides [2, 2, 2]");
    assertThat(first.encoded)
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(grid(5, 4, 8), grid(2, 1, 2), grid(3, 2, 4))
                .flatMap(grid -> Stream.of(grid, grid, grid, grid))
                .toList());
    var fewer = patient();
    assertThat(prepare(fewer, HALVES).report().table())
        .anyMatch(line -> line.startsWith("cached   0.mp4"))
        .noneMatch(line -> line.contains("strides"));
    assertThat(fewer.encoded).isEmpty();
    var others = patient();
    prepare(others, GridFactor.ofTime(2), HALVES);
    assertThat(others.encoded).hasSize(4).containsOnly(grid(3, 4, 8));
    var none = patient();
    assertThat(prepare(none).report().table()).noneMatch(line -> line.contains("strides"));
    assertThat(none.encoded).isEmpty();
    assertThat(files("latents")).hasSize(2);
    assertThat(files("smaller")).hasSize(6);
  }

  /** The name is the hash that it was before there were smaller videos. */
  @Test
  void clipsThemselves_areInTheFilesOfEarlierCaches() throws IOException {
    prepare(patient());
    List<Path> expected =
        Stream.of("0.mp4", "1.mp4")
            .map(
                name -> {
                  try {
                    String content =
                        Hashing.sha256()
                            .hashBytes(Files.readAllBytes(videos.resolve(name)))
                            .toString();
                    String made =
                        "2"
                            + content
                            + "[VideoSize[height=32, width=64, frames=17, fps=8.0]]"
                            + "2"
                            + "latents";
                    return folder.resolve(
                        "cache/latents/"
                            + Hashing.sha256()
                                .hashString(made, StandardCharsets.UTF_8)
                                .toString()
                                .substring(0, 32)
                            + ".safetensors");
                  } catch (IOException failure) {
                    throw new IllegalStateException(failure);
                  }
                })
            .sorted()
            .toList();
    assertThat(files("latents")).isEqualTo(expected);
    byte[] before = Files.readAllBytes(expected.get(0));
    var later = patient();
    prepare(later, HALVES);
    assertThat(later.encoded).hasSize(4).containsOnly(grid(3, 2, 4));
    assertThat(files("latents")).isEqualTo(expected);
    assertThat(expected.get(0)).hasBinaryContent(before);
  }

  @Test
  void stoppedPreparation_goesOnWhereItWas() throws IOException {
    assertThatThrownBy(() -> prepare(new Blocks(7), QUARTERS, HALVES)).hasMessage("stopped");
    assertThat(files("latents")).hasSize(1);
    assertThat(files("smaller")).hasSize(2);
    var second = patient();
    CachedSet set = prepare(second, QUARTERS, HALVES).clips();
    assertThat(second.encoded).hasSize(6);
    CachedSet other = prepare(patient(), QUARTERS, HALVES).clips();
    assertThat(other.fingerprint()).isEqualTo(set.fingerprint());
  }

  @Test
  void filesThatAreDamagedMissingOrOfOtherClips_areMadeAnew_andNothingElse() throws IOException {
    CachedSet whole = prepare(patient(), HALVES).clips();
    float[] wanted = whole.latents(3, HALVES).data();
    for (int video = 0; video < 2; video++) {
      Path file = files("smaller").get(video);
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 5));
      var damaged = patient();
      Preparation.Prepared again = prepare(damaged, HALVES);
      assertThat(damaged.encoded).hasSize(2).containsOnly(grid(3, 2, 4));
      assertThat(again.report().table())
          .anyMatch(line -> line.startsWith("cached files made anew: 1 (the first: " + file))
          .anyMatch(line -> line.startsWith("kept     "))
          .anyMatch(line -> line.startsWith("cached   "));
      assertThat(file).hasBinaryContent(bytes);
    }
    Files.delete(files("smaller").get(0));
    var missing = patient();
    prepare(missing, HALVES);
    assertThat(missing.encoded).hasSize(2);
    Files.copy(
        files("latents").get(0),
        files("smaller").get(0),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    var others = patient();
    assertThat(prepare(others, HALVES).report().table())
        .anyMatch(
            line -> line.contains("expected clips of [[3, 2, 4], [3, 2, 4]], found [[5, 4, 8], "));
    assertThat(others.encoded).hasSize(2);
    assertThat(prepare(patient(), HALVES).clips().latents(3, HALVES).data()).isEqualTo(wanted);
    Path clips = files("latents").get(0);
    Files.write(clips, new byte[] {1, 2, 3});
    var all = patient();
    prepare(all, HALVES);
    assertThat(all.encoded).hasSize(4);
  }

  @Test
  void picturesOfAStage_areThoseOfItsOwnVideo_andWhatFollowsNoStageIsKeptOnce() {
    Conditions told = prepare(patient(), QUARTERS, HALVES).clips().conditions(2);
    assertThat(values(told.values(), "rows")).containsExactly(32);
    assertThat(values(told.values(), "frames")).startsWith(17, 32);
    assertThat(told.ofGrids().keySet()).containsExactlyInAnyOrder(grid(3, 2, 4), grid(2, 1, 2));
    assertThat(told.ofGrid(grid(3, 2, 4)).keySet()).containsExactly("frames");
    assertThat(values(told.ofGrid(grid(3, 2, 4)), "frames")).startsWith(9, 16);
    assertThat(values(told.ofGrid(grid(2, 1, 2)), "frames")).startsWith(5, 8);
    assertThat(prepare(patient()).clips().conditions(2).ofGrids()).isEmpty();
  }

  private static float[] values(Map<String, Tensor> told, String name) {
    return requireNonNull(told.get(name)).toFloatArray();
  }

  @Test
  void stridesThatWereNotPrepared_areNamedInOneLine() throws IOException {
    CachedSet set = prepare(patient(), HALVES).clips();
    assertThatThrownBy(() -> set.latents(0, QUARTERS))
        .isInstanceOf(CheckpointException.class)
        .hasMessageMatching(
            ".*/latents/[0-9a-f]{32}\\.safetensors: expected the clips with strides \\[4, 4, 4\\]"
                + " beside it, found those of \\[1, \\[2, 2, 2\\]\\]; prepare them for these"
                + " stages");
    Files.delete(files("smaller").get(0));
    Files.delete(files("smaller").get(0));
    assertThatThrownBy(() -> set.latents(0, HALVES))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("/smaller/")
        .hasMessageContaining("no such file");
  }
}
