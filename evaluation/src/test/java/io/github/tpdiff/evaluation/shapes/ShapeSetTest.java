package io.github.tpdiff.evaluation.shapes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShapeSetTest {
  private static final ShapeSet SET = new ShapeSet(2000, 96, 64, 9, 8, 3);

  @Test
  void aLargerSet_beginsWithTheSmallerOne() {
    var larger = new ShapeSet(4000, 96, 64, 9, 8, 3);
    assertThat(IntStream.range(0, 2000)).allMatch(i -> larger.scene(i).equals(SET.scene(i)));
    assertThat(larger.clip(7).data()).isEqualTo(SET.clip(7).data());
  }

  @Test
  void anotherSeed_givesOtherClips() {
    var other = new ShapeSet(2000, 96, 64, 9, 8, 4);
    long same = IntStream.range(0, 2000).filter(i -> other.scene(i).equals(SET.scene(i))).count();
    assertThat(same).isZero();
  }

  @Test
  void everyWordIsDrawnAboutAsOftenAsTheOthers() {
    Map<ShapeColour, Integer> colours = new EnumMap<>(ShapeColour.class);
    Map<Heading, Integer> headings = new EnumMap<>(Heading.class);
    var captions = new HashSet<String>();
    int bouncing = 0;
    for (int i = 0; i < SET.clips(); i++) {
      SceneWords words = SET.scene(i).words();
      colours.merge(words.colour(), 1, Integer::sum);
      headings.merge(words.heading(), 1, Integer::sum);
      bouncing += words.bounces() ? 1 : 0;
      captions.add(words.caption());
    }
    // Five standard deviations of a binomial count.
    assertThat(colours.values()).hasSize(6).allMatch(n -> Math.abs(n - 333) < 84);
    assertThat(headings.values()).hasSize(4).allMatch(n -> Math.abs(n - 500) < 97);
    assertThat(bouncing).isCloseTo(1000, within(112));
    assertThat(captions).hasSizeGreaterThan(1700); // of 15552
  }

  @Test
  void shapesStayInThePicture_andTurnAtItsEdge() {
    for (int i = 0; i < SET.clips(); i++) {
      Scene scene = SET.scene(i);
      ShapeKind kind = scene.words().kind();
      double nearest = Double.POSITIVE_INFINITY;
      for (int k = 0; k <= 1000; k++) {
        double x = scene.xAt(k / 1000.0);
        double y = scene.yAt(k / 1000.0);
        nearest =
            Math.min(
                nearest,
                switch (scene.words().heading()) {
                  case RIGHT -> 1.5 - x - kind.across() * scene.radius();
                  case LEFT -> x - kind.across() * scene.radius();
                  case DOWN -> 1 - y - kind.down() * scene.radius();
                  case UP -> y - kind.up() * scene.radius();
                });
        assertThat(x - kind.across() * scene.radius()).isGreaterThan(-1e-9);
        assertThat(x + kind.across() * scene.radius()).isLessThan(1.5 + 1e-9);
        assertThat(y - kind.up() * scene.radius()).isGreaterThan(-1e-9);
        assertThat(y + kind.down() * scene.radius()).isLessThan(1 + 1e-9);
      }
      if (scene.words().bounces()) {
        assertThat(nearest).isLessThan(1e-3);
      }
    }
  }

  @Test
  void kindsOfOneRadius_haveOneArea() {
    for (ShapeKind kind : ShapeKind.values()) {
      int inside = 0;
      double x = 0;
      double y = 0;
      int steps = 1000;
      for (int i = 0; i < steps * steps; i++) {
        double px = 4.0 * (i % steps + 0.5) / steps - 2;
        int row = i / steps;
        double py = 4.0 * (row + 0.5) / steps - 2;
        if (kind.distance(px, py) <= 0) {
          inside++;
          x += px;
          y += py;
        }
      }
      // Half a cell along the sides of the square is 0.014.
      assertThat(inside * 16.0 / steps / steps).isCloseTo(Math.PI, within(0.015));
      assertThat(x / inside).isCloseTo(0, within(1e-3));
      assertThat(y / inside).isCloseTo(0, within(2e-3));
    }
  }

  @Test
  void everyCaption_saysItsWords() {
    for (int i = 0; i < SET.clips(); i++) {
      SceneWords words = SET.scene(i).words();
      assertThat(SceneWords.find(words.caption())).contains(words);
    }
    assertThat(
            new SceneWords(
                    SceneWords.Size.SMALL,
                    ShapeColour.RED,
                    ShapeTexture.PLAIN,
                    ShapeKind.CIRCLE,
                    SceneWords.Pace.SLOWLY,
                    Heading.RIGHT,
                    true,
                    Ground.GREY,
                    Ground.Texture.STRIPED)
                .caption())
        .isEqualTo(
            "a small red circle moves slowly left to right and bounces back over a grey striped"
                + " background");
    assertThat(SceneWords.find("a cat")).isEmpty();
  }

  @Test
  void aFolder_isADataSetWithItsTruth(@TempDir Path folder) throws IOException {
    var set = new ShapeSet(5, 64, 64, 6, 8, 1);
    var shapes = new ShapeFolder(folder.resolve("set"), set);
    assertThat(shapes.write((done, total) -> {})).isEqualTo(5);

    SourceList list = SourceList.read(shapes.path());
    assertThat(list.videos()).hasSize(5);
    assertThat(list.videos())
        .allSatisfy(
            video ->
                assertThat(SceneWords.find(video.caption().orElseThrow()))
                    .contains(
                        set.scene(
                                Integer.parseInt(
                                    video.file().getFileName().toString().substring(0, 6)))
                            .words()));
    VideoClip read = VideoReader.readAll(list.videos().get(2).file());
    assertThat(read.frames()).isEqualTo(6);
    assertThat(read.fps()).isEqualTo(8);

    JsonNode line =
        new JsonMapper()
            .readTree(Files.readAllLines(shapes.path().resolve(ShapeFolder.METADATA)).get(2));
    assertThat(line.get("truth").get("radius").doubleValue()).isEqualTo(set.scene(2).radius());
    assertThat(line.get("track")).hasSize(6);
    assertThat(line.get("track").get(5).get(0).doubleValue())
        .isCloseTo(set.scene(2).xAt(1), within(1e-5));
  }

  @Test
  void aStoppedFolder_goesOn_andAnotherSetIsRefused(@TempDir Path folder) throws IOException {
    var set = new ShapeSet(6, 64, 64, 4, 8, 1);
    var shapes = new ShapeFolder(folder, set);
    shapes.write((done, total) -> {});
    byte[] before = Files.readAllBytes(folder.resolve("000003.mp4"));
    Files.delete(folder.resolve("000003.mp4"));
    Files.delete(folder.resolve(ShapeFolder.METADATA));

    assertThat(shapes.write((done, total) -> {})).isEqualTo(1);
    assertThat(Files.readAllBytes(folder.resolve("000003.mp4"))).isEqualTo(before);
    assertThat(Files.readAllLines(folder.resolve(ShapeFolder.METADATA))).hasSize(6);

    var other = new ShapeFolder(folder, new ShapeSet(6, 64, 64, 4, 8, 2));
    assertThatThrownBy(() -> other.write((done, total) -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("shapes.json: expected clips of")
        .hasMessageContaining("seed=1");
  }

  @Test
  void aDomain_hasItsWordsAlone_andAllWordsAreTheSameClipsAsBefore() {
    var words =
        new SceneVocabulary(
            List.of(),
            List.of(ShapeColour.BLUE, ShapeColour.RED),
            List.of(ShapeTexture.STRIPED),
            List.of(),
            List.of(),
            List.of(),
            List.of(true),
            List.of(),
            List.of(Ground.Texture.SPECKLED, Ground.Texture.STRIPED));
    var domain = new ShapeSet(300, 64, 64, 9, 8, 3, words);
    List<SceneWords> said = IntStream.range(0, 300).mapToObj(i -> domain.scene(i).words()).toList();
    assertThat(said)
        .allMatch(own -> own.texture() == ShapeTexture.STRIPED && own.bounces())
        .extracting(SceneWords::colour)
        .containsOnly(ShapeColour.RED, ShapeColour.BLUE);
    assertThat(said)
        .extracting(SceneWords::groundTexture)
        .containsOnly(Ground.Texture.STRIPED, Ground.Texture.SPECKLED);
    assertThat(said).extracting(SceneWords::kind).containsOnly(ShapeKind.values());
    assertThat(new ShapeSet(5, 64, 64, 9, 8, 3, SceneVocabulary.all()))
        .isEqualTo(new ShapeSet(5, 64, 64, 9, 8, 3));
    // As the clips of this seed have been since there were any.
    assertThat(new ShapeSet(5, 64, 64, 9, 8, 3).scene(4).words().caption())
        .isEqualTo("a small red circle moves slowly bottom to top over a grey background");
  }

  /** Folders that were written before a set could be of some words alone. */
  @Test
  void aFolderOfBefore_isOfAllWords(@TempDir Path folder) throws IOException {
    var set = new ShapeSet(2, 64, 64, 4, 8, 1);
    Files.writeString(
        folder.resolve(ShapeFolder.SET),
        "{\"clips\":2,\"width\":64,\"height\":64,\"frames\":4,\"fps\":8.0,\"seed\":1}\n");
    assertThat(new ShapeFolder(folder, set).write((done, total) -> {})).isEqualTo(2);
  }

  @Test
  void badNumbers_areRefused() {
    assertThatThrownBy(() -> new ShapeSet(0, 64, 64, 16, 8, 0)).hasMessageContaining("clips");
    assertThatThrownBy(() -> new ShapeSet(1, 30, 64, 16, 8, 0)).hasMessageContaining("sides");
    assertThatThrownBy(() -> new ShapeSet(1, 65, 64, 16, 8, 0)).hasMessageContaining("even");
    assertThatThrownBy(() -> new ShapeSet(1, 64, 64, 1, 8, 0)).hasMessageContaining("frames");
  }
}
