package io.github.tpdiff.lora.data;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which picture a clip is told of, and when it is encoded again. */
final class PicturePreparationTest {
  private static final int SIDE = 32;

  private static final Flow FLOW =
      new Flow(
          List.of(
              ComponentDescription.of(
                  "image_encoder", Runs.PICTURE, Map.of("x", Flow.PICTURE), Map.of("y", "told")),
              ComponentDescription.of("transformer", Runs.STEP, Map.of("told", "told"), Map.of())),
          List.of(Flow.Expert.alone("transformer")),
          List.of(),
          List.of(
              new Condition(
                  "told", ElementType.F32, List.of("batch"), Condition.Follows.NOTHING, true)),
          Map.of());

  @TempDir private Path folder;
  private Path videos;

  /** Tells a file as 100, a first frame as 1, and a last one as 10. */
  private static final class Counting implements ClipEncoders {
    private final Flow flow;
    private int encoded;

    Counting(Flow flow) {
      this.flow = flow;
    }

    @Override
    public Flow flow() {
      return flow;
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
          encoded++;
          return Latents.zeros(new LatentShape(1, 1, clip.frames(), 1, 1));
        }

        @Override
        public Map<String, Tensor> pictures(ClipPictures pictures, LatentShape latents) {
          float told = (pictures.file().isPresent() ? 100 : 1) + (pictures.last() ? 10 : 0);
          return Map.of("told", Tensor.ofFloats(new float[] {told}, 1));
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

  @BeforeEach
  void write() throws IOException {
    videos = Files.createDirectory(folder.resolve("videos"));
    for (String name : List.of("a", "b")) {
      float[] data = new float[3 * 8 * SIDE * SIDE];
      Arrays.fill(data, name.equals("a") ? 0.5f : -0.5f);
      VideoWriter.write(videos.resolve(name + ".mp4"), new VideoClip(data, 8, SIDE, SIDE, 8));
      Files.writeString(videos.resolve(name + ".txt"), name);
    }
    picture(0);
  }

  private void picture(float level) throws IOException {
    float[] data = new float[3 * SIDE * SIDE];
    Arrays.fill(data, level);
    Files.deleteIfExists(videos.resolve("a.png"));
    PngWriter.write(videos.resolve("a.png"), new VideoClip(data, 1, SIDE, SIDE, 8).frame(0));
  }

  private List<Float> told(Counting encoders, Path source, PictureChoice choice) {
    var request =
        PreparationRequest.of(
                SourceSet.of(source, new GivenSizes(List.of(new VideoSize(SIDE, SIDE, 4, 8))), 2),
                folder.resolve("cache"))
            .withPictures(choice);
    CachedSet clips = Preparation.prepare(request, encoders, (v, d, t) -> {}).clips();
    return java.util.stream.IntStream.range(0, clips.shapes().size())
        .mapToObj(
            clip ->
                Optional.ofNullable(clips.conditions(clip).values().get("told"))
                    .map(value -> value.toFloatArray()[0])
                    .orElse(0f))
        .toList();
  }

  private static PictureChoice files(boolean last) {
    return new PictureChoice(PictureChoice.Source.FILES, last);
  }

  @Test
  void fileBesideAVideo_isWhatItsFirstClipBeginsWith() {
    var encoders = new Counting(FLOW);
    assertThat(told(encoders, videos, PictureChoice.firstFrames())).containsExactly(1f, 1f, 1f, 1f);
    assertThat(told(encoders, videos, files(false))).containsExactly(100f, 1f, 1f, 1f);
    assertThat(told(encoders, videos, files(true))).containsExactly(110f, 11f, 11f, 11f);
  }

  @Test
  void anotherFileOrUse_isEncodedAgain_andNothingElse() throws IOException {
    var encoders = new Counting(FLOW);
    told(encoders, videos, files(false));
    assertThat(encoders.encoded).isEqualTo(4);
    told(encoders, videos, PictureChoice.firstFrames()); // of b it is the same
    assertThat(encoders.encoded).isEqualTo(6);
    picture(1);
    told(encoders, videos, files(false));
    assertThat(encoders.encoded).isEqualTo(8);
    told(encoders, videos, files(false));
    assertThat(encoders.encoded).isEqualTo(8);
  }

  @Test
  void modelWithoutPictures_hasOneCacheWhateverIsAsked() {
    Flow text =
        new Flow(
            List.of(ComponentDescription.of("transformer", Runs.STEP, Map.of(), Map.of())),
            List.of(Flow.Expert.alone("transformer")),
            List.of(),
            List.of(),
            Map.of());
    var encoders = new Counting(text);
    told(encoders, videos, PictureChoice.firstFrames());
    told(encoders, videos, files(true));
    assertThat(encoders.encoded).isEqualTo(4);
  }

  @Test
  void listNamesThePicture_andWhatIsNoPictureDropsTheVideo() throws IOException {
    Path list = folder.resolve("list.jsonl");
    Files.writeString(
        list,
        """
        {"video": "videos/b.mp4", "caption": "b", "image": "videos/a.png"}
        {"video": "videos/a.mp4", "caption": "a", "image": "videos/a.txt"}
        """);
    assertThat(told(new Counting(FLOW), list, files(false))).containsExactly(100f, 1f);
    var request =
        PreparationRequest.of(
                SourceSet.of(list, new GivenSizes(List.of(new VideoSize(SIDE, SIDE, 4, 8))), 1),
                folder.resolve("cache"))
            .withPictures(files(false));
    assertThat(Preparation.survey(request, new Counting(FLOW)).table())
        .anyMatch(line -> line.startsWith("dropped  a.mp4") && line.contains("its picture: "));
  }

  @Test
  void pictureOfAnotherName_isAClipOfItsOwn() throws IOException {
    Files.move(videos.resolve("a.png"), videos.resolve("alone.png"));
    SourceList list = SourceList.read(videos);
    assertThat(list.notes()).containsExactly("found 5 files: 2 videos, 1 pictures, 2 captions");
    assertThat(list.videos())
        .extracting(SourceVideo::isPicture)
        .containsExactly(false, true, false);
    assertThat(list.videos()).allMatch(video -> video.picture().isEmpty());
    Files.move(videos.resolve("alone.png"), videos.resolve("b.png"));
    assertThat(requireNonNull(SourceList.read(videos).videos().get(1)).picture())
        .contains(videos.resolve("b.png"));
    assertThat(SourceList.read(videos).notes())
        .containsExactly("found 5 files: 2 videos, 1 pictures beside videos, 2 captions");
  }
}
