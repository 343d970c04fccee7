package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PreparationTest {
  @TempDir private Path folder;
  private Path videos = Path.of("");

  /** Encoders whose results can be told from what they were given; they count their work. */
  /** One token a word. */
  private static final class Words implements Tokenizer {
    @Override
    public TokenBatch encode(List<String> texts, int length) {
      throw new UnsupportedOperationException("no encoder asks for tokens");
    }

    @Override
    public int length(String text) {
      return text.split(" ", -1).length;
    }

    @Override
    public void close() {}
  }

  private static final class Countable implements ClipEncoders {
    private final String version;
    private int clips;
    private final List<String> captions = new ArrayList<>();

    Countable(String version) {
      this.version = version;
    }

    @Override
    public String latentsFingerprint() {
      return version;
    }

    @Override
    public String captionsFingerprint() {
      return "text";
    }

    @Override
    public List<PromptTokens> captionTokens() {
      var text = new Text("tokenizer", 3, Text.Cleaning.NONE, Text.Padding.ENCODED);
      return List.of(new PromptTokens(text, new Words()));
    }

    @Override
    public Flow flow() {
      return TinyNetwork.FLOW;
    }

    @Override
    public LatentEncoder openLatents() {
      return new LatentEncoder() {
        @Override
        public Latents encode(VideoClip clip) {
          clips++;
          Latents latents =
              Latents.zeros(
                  new LatentShape(
                      1, 1, 1 + (clip.frames() - 1) / 4, clip.height() / 8, clip.width() / 8));
          Arrays.fill(latents.data(), clip.data()[0]);
          return latents;
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
          float[] rows = {caption.length(), 1, 0, 0, 0, 0, 0, 0};
          return Map.of("encoder_hidden_states", Tensor.ofFloats(rows, 1, 4, 2));
        }

        @Override
        public void close() {}
      };
    }
  }

  @BeforeEach
  void render() throws IOException {
    videos = Files.createDirectory(folder.resolve("videos"));
    video("wide", 64, 32, 24);
    video("tall", 32, 64, 24);
    video("short", 64, 32, 4);
    video("mute", 64, 32, 24);
    Files.writeString(videos.resolve("wide.txt"), "a wide one\n");
    Files.writeString(videos.resolve("tall.txt"), "a tall one");
    Files.writeString(videos.resolve("short.txt"), "too short");
  }

  private void video(String name, int width, int height, int frames) throws IOException {
    float[] data = new float[3 * frames * height * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (i % 97) / 97f - 0.5f;
    }
    VideoWriter.write(videos.resolve(name + ".mp4"), new VideoClip(data, frames, height, width, 8));
  }

  private PreparationRequest request(Path source) {
    return PreparationRequest.of(
        SourceSet.of(
            source,
            new GivenSizes(
                List.of(
                    new VideoSize(32, 64, 9, 8),
                    new VideoSize(32, 64, 17, 8),
                    new VideoSize(64, 32, 9, 8))),
            2),
        folder.resolve("cache"));
  }

  /** Two machines, in any order, one file twice: the same cache, set, report and manifest. */
  @Test
  void sharedPreparation_isThatOfOneMachine() throws IOException {
    PreparationRequest alone = request(videos);
    Preparation.Prepared expected =
        Preparation.prepare(alone, new Countable("1"), (video, done, total) -> {});
    PreparationRequest request =
        PreparationRequest.of(alone.sets().get(0), folder.resolve("shared"));
    Preparation.Sources sources = Preparation.Sources.read(request);
    var made = new TreeMap<Integer, SharedVideo>();
    var text = new Countable("1");
    try (var one = new SharedPreparation(request, new Countable("1"));
        var other = new SharedPreparation(request, text)) {
      for (int i : List.of(3, 1, 0, 2, 1)) {
        SharedVideo video = (i == 2 ? one : other).make(sources.files().get(i));
        made.put(i, SharedVideo.parse(video.json()));
      }
      List<String> texts = SharedPreparation.texts(request, sources, List.copyOf(made.values()));
      assertThat(texts).containsExactly("", "a tall one", "a wide one");
      other.encode(texts);
    }
    var untouched = new Countable("1");
    Preparation.Prepared gathered =
        SharedPreparation.gather(request, untouched, sources, List.copyOf(made.values()));
    assertThat(untouched.clips).isZero();
    assertThat(untouched.captions).isEmpty();
    assertThat(text.captions).containsExactly("", "a tall one", "a wide one");
    assertThat(gathered.clips().fingerprint()).isEqualTo(expected.clips().fingerprint());
    assertThat(gathered.clips().shapes()).isEqualTo(expected.clips().shapes());
    assertThat(gathered.report().table()).isEqualTo(expected.report().table());
    assertThat(DataManifest.of(gathered.clips(), 0.5))
        .isEqualTo(DataManifest.of(expected.clips(), 0.5));
    assertThat(contents(folder.resolve("shared"))).isEqualTo(contents(folder.resolve("cache")));
  }

  /** Of every file below a folder. */
  private static Map<String, String> contents(Path below) throws IOException {
    var contents = new TreeMap<String, String>();
    try (var files = Files.walk(below)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            below.relativize(file).toString(),
            Base64.getEncoder().encodeToString(Files.readAllBytes(file)));
      }
    }
    return contents;
  }

  @Test
  void videos_getTheNearestShapeAndTheLongestLengthTheyFill() {
    var prepared = Preparation.prepare(request(videos), new Countable("1"), (v, d, t) -> {});
    assertThat(prepared.clips().shapes())
        .containsExactly(
            new LatentShape(1, 1, 3, 8, 4),
            new LatentShape(1, 1, 3, 8, 4),
            new LatentShape(1, 1, 5, 4, 8));
    List<String> table = prepared.report().table();
    assertThat(table)
        .anyMatch(l -> l.startsWith("dropped  mute.mp4") && l.contains("caption"))
        .anyMatch(l -> l.startsWith("dropped  short.mp4") && l.contains("expected 9 frames"))
        .anyMatch(l -> l.startsWith("kept     wide.mp4") && l.contains("17 frames of 64 x 32"))
        .contains("3 clips of 2 of 4 videos; dropped: 1 without a caption, 1 too short");
    assertThat(Preparation.survey(request(videos), new Countable("1")).table()).isEqualTo(table);
    for (double share : new double[] {0, 0.3}) {
      assertThat(
              Preparation.survey(request(videos), new Countable("1"))
                  .training(share)
                  .batches(2, request(videos).shares()))
          .isEqualTo(prepared.clips().split(share).training().batches(2));
    }
    Tensor wide = prepared.clips().conditions(2).values().get("encoder_hidden_states");
    assertThat(java.util.Objects.requireNonNull(wide).toFloatArray())
        .containsExactly(10, 1, 0, 0, 0, 0, 0, 0);
  }

  @Test
  void secondPreparation_makesOnlyWhatChanged() throws IOException {
    Preparation.prepare(request(videos), new Countable("1"), (v, d, t) -> {});
    var again = new Countable("1");
    var same = Preparation.prepare(request(videos), again, (v, d, t) -> {});
    assertThat(again.clips).isZero();
    assertThat(again.captions).isEmpty();
    assertThat(same.report().table()).anyMatch(l -> l.startsWith("cached   wide.mp4"));

    Files.writeString(videos.resolve("wide.txt"), "another caption");
    video("tall", 32, 64, 16);
    var changed = new Countable("1");
    var other = Preparation.prepare(request(videos), changed, (v, d, t) -> {});
    assertThat(changed.clips).isEqualTo(1);
    assertThat(changed.captions).containsExactly("another caption");
    assertThat(other.clips().fingerprint()).isNotEqualTo(same.clips().fingerprint());

    var otherVae = new Countable("2");
    Preparation.prepare(request(videos), otherVae, (v, d, t) -> {});
    assertThat(otherVae.clips).isEqualTo(2);
  }

  @Test
  void longTexts_andEnlargedClips_areCounted_alsoWhereAllIsCached() throws IOException {
    Files.writeString(videos.resolve("wide.txt"), "five words for a clip");
    Files.writeString(videos.resolve("mute.txt"), "four words for it");
    var request =
        PreparationRequest.of(
                SourceSet.of(videos, new GivenSizes(List.of(new VideoSize(48, 96, 9, 8))), 1),
                folder.resolve("cache"))
            .withPrompts("not too long", List.of("a prompt of seven words in all", "short"));
    List<String> expected =
        List.of(
            "captions cut at the 3 tokens that the text encoder reads: 2 of 3, the longest has 5",
            "prompts cut at the 3 tokens that the text encoder reads: 1 of 3, the longest has 7",
            "enlarged clips: 3 of 3, at most 3.0 times; choose smaller data.sizes, or larger videos");
    assertThat(Preparation.survey(request, new Countable("1")).table()).containsAll(expected);
    for (int i = 0; i < 2; i++) {
      var prepared = Preparation.prepare(request, new Countable("1"), (v, d, t) -> {});
      assertThat(prepared.report().table()).containsAll(expected);
    }
  }

  @Test
  void cachedLatents_areWhatTheEncoderGave() {
    var prepared = Preparation.prepare(request(videos), new Countable("1"), (v, d, t) -> {});
    var clips = prepared.clips();
    for (int i = 0; i < clips.shapes().size(); i++) {
      Latents latents = clips.latents(i);
      assertThat(latents.shape()).isEqualTo(clips.shapes().get(i));
      assertThat(latents.data()).containsOnly(latents.data()[0]).doesNotContain(0f);
    }
  }

  @Test
  void emptySet_saysWhichRuleDroppedWhat() throws IOException {
    Path few = Files.createDirectory(folder.resolve("few"));
    Files.copy(videos.resolve("short.mp4"), few.resolve("short.mp4"));
    Files.copy(videos.resolve("short.txt"), few.resolve("short.txt"));
    Files.copy(videos.resolve("mute.mp4"), few.resolve("mute.mp4"));
    Files.copy(videos.resolve("short.mp4"), few.resolve("latin.mp4"));
    Files.write(few.resolve("latin.txt"), "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    Files.write(few.resolve("noise.mp4"), new byte[] {1, 2, 3});
    Files.writeString(few.resolve("noise.txt"), "noise");
    assertThatThrownBy(() -> Preparation.prepare(request(few), new Countable("1"), (v, d, t) -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no clip is left")
        .hasMessageContaining("2 without a caption, 1 too short, 1 unreadable")
        .hasMessageContaining("(the first: latin.mp4: expected a caption");
  }

  @Test
  void lists_giveCaptionsAndPathsRelativeToThemselves() throws IOException {
    Path jsonl = folder.resolve("list.jsonl");
    Files.writeString(jsonl, "{\"video\": \"videos/mute.mp4\", \"caption\": \"now heard\"}\n\n");
    Path csv = folder.resolve("list.csv");
    Files.writeString(csv, "video,caption\nvideos/mute.mp4,\"now, \"\"heard\"\"\"\n");
    assertThat(Preparation.prepare(request(jsonl), new Countable("1"), (v, d, t) -> {}).clips())
        .extracting(c -> c.shapes().size())
        .isEqualTo(1);
    assertThat(SourceList.read(csv).videos().get(0).caption()).contains("now, \"heard\"");
  }

  /** Of other clips there: what is measured on would be trained on otherwise. */
  @Test
  void videosOfSeveralSets_areHeldOutOfAll() {
    PreparationRequest one = request(videos);
    var shorter = new GivenSizes(List.of(new VideoSize(32, 32, 5, 8)));
    var both =
        new PreparationRequest(
            List.of(one.sets().get(0), SourceSet.of(videos, shorter, 1)),
            one.cache(),
            "",
            List.of(),
            one.pictures(),
            List.of(),
            one.againstPictures());
    var clips = Preparation.prepare(both, new Countable("1"), (v, d, t) -> {}).clips();
    assertThat(clips.entries()).extracting(e -> e.origin().set()).contains(0, 1);
    var split = clips.split(0.4);
    assertThat(split.heldOut().entries()).extracting(e -> e.origin().set()).contains(0, 1);
    assertThat(split.heldOut().entries())
        .extracting(e -> e.origin().file())
        .containsOnly(split.heldOut().entries().get(0).origin().file())
        .doesNotContainAnyElementsOf(
            split.training().entries().stream().map(e -> e.origin().file()).toList());
  }

  @Test
  void heldOutVideos_areNotTrainedOn() {
    var clips = Preparation.prepare(request(videos), new Countable("1"), (v, d, t) -> {}).clips();
    var split = clips.split(0.4);
    assertThat(split.training().shapes().size() + split.heldOut().shapes().size()).isEqualTo(3);
    assertThat(split.heldOut().shapes().stream().distinct()).hasSize(1);
    assertThat(split.training().shapes()).doesNotContainAnyElementsOf(split.heldOut().shapes());
    assertThatThrownBy(() -> clips.split(0.9)).hasMessageContaining("data.validation");
  }
}
