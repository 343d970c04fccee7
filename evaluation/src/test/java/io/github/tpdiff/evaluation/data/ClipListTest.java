package io.github.tpdiff.evaluation.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.evaluation.data.MsrVtt.Choice;
import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipListTest {
  /** The header of OpenVid-1M.csv as it is published; rows made up. */
  private static final String OPENVID =
      """
      video,caption,aesthetic score,motion score,temporal consistency score,camera motion,frame,fps,seconds
      a.mp4,"A man, who says ""hello"".",5.25,3.5,0.98,static,120,24.0,5.0
      b.mp4,Low looks,3.9,3.5,0.98,static,120,24.0,5.0
      c.mp4,Hardly moves,5.5,0.2,0.98,static,120,24.0,5.0
      d.mp4,Panned,5.5,3.0,0.99,pan_left,120,24.0,5.0
      e.mp4,Too short,6.0,3.0,0.99,static,20,24.0,0.83
      f.mp4,No score,nan,3.0,0.99,static,120,24.0,5.0
      gone.mp4,No file,6.0,3.0,0.99,static,120,24.0,5.0
      a.mp4,Once more,6.0,3.0,0.99,static,120,24.0,5.0
      ../secret.mp4,Elsewhere,6.0,3.0,0.99,static,120,24.0,5.0
      """;

  private static final String MSRVTT =
      """
      {"info": {"year": "2016"},
       "videos": [
        {"category": 9, "url": "u", "video_id": "video0", "start time": 1.5, "end time": 9.0, "split": "train", "id": 0},
        {"category": 3, "url": "u", "video_id": "video1", "start time": 0.0, "end time": 9.0, "split": "test", "id": 1},
        {"category": 3, "url": "u", "video_id": "video2", "start time": 0.0, "end time": 9.0, "split": "test", "id": 2}],
       "sentences": [
        {"caption": "a car drives", "video_id": "video1", "sen_id": 7},
        {"caption": "a red car drives fast", "video_id": "video1", "sen_id": 9},
        {"caption": "cars", "video_id": "video1", "sen_id": 3},
        {"caption": "a dog", "video_id": "video0", "sen_id": 1}]}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void writeVideos() throws IOException {
    Files.createDirectories(folder.resolve("videos"));
    for (String name : List.of("a", "b", "c", "d", "e", "f", "video0", "video1", "video2")) {
      Files.writeString(folder.resolve("videos/" + name + ".mp4"), "the bytes of " + name);
    }
    Files.writeString(folder.resolve("secret.mp4"), "secret");
    Files.writeString(folder.resolve("openvid.csv"), OPENVID);
    Files.writeString(folder.resolve("msrvtt.json"), MSRVTT);
  }

  private ClipList list() {
    return new ClipList(
        folder.resolve("list.jsonl"), folder.resolve("videos"), Optional.empty(), true);
  }

  private OpenVid openVid(Map<OpenVid.Column, NumberRange> ranges, Set<String> cameras) {
    return new OpenVid(folder.resolve("openvid.csv"), ranges, cameras);
  }

  private MsrVtt msrVtt(Choice choice, long seed) {
    return new MsrVtt(folder.resolve("msrvtt.json"), Optional.of("test"), choice, seed);
  }

  private JsonNode manifest() throws IOException {
    return new JsonMapper().readTree(folder.resolve("list.manifest.json").toFile());
  }

  @Test
  void openVid_dropsByTheFirstRuleThatARowBreaks() throws IOException {
    var ranges = new EnumMap<OpenVid.Column, NumberRange>(OpenVid.Column.class);
    ranges.put(OpenVid.Column.AESTHETIC, NumberRange.parse("5"));
    ranges.put(OpenVid.Column.MOTION, NumberRange.parse("1..20"));
    ranges.put(OpenVid.Column.SECONDS, NumberRange.parse("2.."));
    Selection found = list().write(openVid(ranges, Set.of("static")), clips -> {});

    assertThat(found.read()).isEqualTo(9);
    assertThat(found.kept()).isEqualTo(1);
    assertThat(found.dropped())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "aesthetic score: expected 5.0..", 1,
                "motion score: expected 1.0..20.0", 1,
                "camera motion: expected static", 1,
                "seconds: expected 2.0..", 1,
                "aesthetic score: expected a number", 1,
                "video: expected its file, found none", 1,
                "video: expected each once", 1,
                "video: expected a path below the folder of videos", 1));
    assertThat(found.read())
        .isEqualTo(found.kept() + found.dropped().values().stream().mapToInt(i -> i).sum());
  }

  @Test
  void theList_isWhatAJobTakes() throws IOException {
    list().write(openVid(Map.of(), Set.of()), clips -> {});
    SourceList read = SourceList.read(folder.resolve("list.jsonl"));
    assertThat(read.videos()).hasSize(6);
    assertThat(read.videos().get(0).file()).isEqualTo(folder.resolve("videos/a.mp4"));
    assertThat(read.videos().get(0).caption()).contains("A man, who says \"hello\".");
  }

  @Test
  void everyClip_hasItsFilesHash_andTheManifestThatOfTheSource() throws IOException {
    list().write(openVid(Map.of(), Set.of()), clips -> {});
    JsonNode first =
        new JsonMapper().readTree(Files.readAllLines(folder.resolve("list.jsonl")).get(0));
    // printf 'the bytes of a' | sha256sum
    assertThat(first.get("sha256").textValue())
        .isEqualTo("26ab4df29094339e660b639150ce695fb9fca60524b8ebcd073573835dc5b1e3");
    assertThat(first.get("aesthetic score").doubleValue()).isEqualTo(5.25);
    assertThat(manifest().get("kept").intValue()).isEqualTo(6);
    assertThat(manifest().get("source_sha256").textValue())
        .isEqualTo(
            com.google.common.hash.Hashing.sha256()
                .hashString(OPENVID, StandardCharsets.UTF_8)
                .toString());
  }

  @Test
  void msrVtt_givesEachClipTheCaptionOfTheRule() throws IOException {
    Selection found = list().write(msrVtt(Choice.FIRST, 0), clips -> {});
    assertThat(found.dropped())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("split: expected test", 1, "caption: expected one", 1));
    assertThat(caption()).isEqualTo("cars");
    list().write(msrVtt(Choice.LONGEST, 0), clips -> {});
    assertThat(caption()).isEqualTo("a red car drives fast");

    var drawn = new java.util.TreeSet<String>();
    for (int seed = 0; seed < 30; seed++) {
      list().write(msrVtt(Choice.SEEDED, seed), clips -> {});
      String once = caption();
      list().write(msrVtt(Choice.SEEDED, seed), clips -> {});
      assertThat(caption()).isEqualTo(once);
      drawn.add(once);
    }
    assertThat(drawn).hasSize(3);
    assertThat(manifest().get("rules").get("caption").textValue()).isEqualTo("seeded 29");
  }

  private String caption() {
    return SourceList.read(folder.resolve("list.jsonl")).videos().get(0).caption().orElseThrow();
  }

  @Test
  void aFolder_isListedWithItsCaptions() throws IOException {
    Files.writeString(folder.resolve("videos/a.txt"), "An a");
    var plain = new PlainFolder(folder.resolve("videos"));
    Selection found = list().write(plain, clips -> {});
    assertThat(found.kept()).isEqualTo(9);
    assertThat(caption()).isEqualTo("An a");
  }

  @Test
  void faults_nameFileAndPlace() throws IOException {
    Files.writeString(folder.resolve("openvid.csv"), "video,caption\na.mp4,\"open\n");
    assertThatThrownBy(() -> list().write(openVid(Map.of(), Set.of()), clips -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("openvid.csv: line 2: expected a closing quote");
    assertThatThrownBy(
            () ->
                list()
                    .write(
                        openVid(Map.of(OpenVid.Column.FPS, NumberRange.parse("24")), Set.of()),
                        clips -> {}))
        .hasMessageContaining("openvid.csv: line 1: expected a column 'fps'");
    Files.write(folder.resolve("openvid.csv"), new byte[] {'v', (byte) 0xff, '\n'});
    assertThatThrownBy(() -> list().write(openVid(Map.of(), Set.of()), clips -> {}))
        .hasMessageContaining("expected text in UTF-8");
    Files.writeString(
        folder.resolve("msrvtt.json"), "{\"videos\": [{\"video_id\": 3}], \"sentences\": []}");
    assertThatThrownBy(() -> list().write(msrVtt(Choice.FIRST, 0), clips -> {}))
        .hasMessageContaining("msrvtt.json: videos[0].video_id: expected a text, found NUMBER");
    Files.writeString(folder.resolve("msrvtt.json"), "{\"videos\": {}}");
    assertThatThrownBy(() -> list().write(msrVtt(Choice.FIRST, 0), clips -> {}))
        .hasMessageContaining("msrvtt.json: sentences: expected a list");
    assertThat(folder.resolve("list.jsonl")).doesNotExist();
  }

  @Test
  void noClipLeft_isAnError() {
    assertThatThrownBy(
            () ->
                list()
                    .write(
                        openVid(Map.of(OpenVid.Column.AESTHETIC, NumberRange.parse("9")), Set.of()),
                        clips -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected clips, found none of 9");
  }

  @Test
  void ranges_areReadBothWays() {
    assertThat(NumberRange.parse("5")).isEqualTo(new NumberRange(5, Double.POSITIVE_INFINITY));
    assertThat(NumberRange.parse("..20.5"))
        .isEqualTo(new NumberRange(Double.NEGATIVE_INFINITY, 20.5));
    assertThat(NumberRange.parse("-1..2")).isEqualTo(new NumberRange(-1, 2));
    assertThatThrownBy(() -> NumberRange.parse("..")).hasMessageContaining("expected a range");
    assertThatThrownBy(() -> NumberRange.parse("3..1")).hasMessageContaining("from less to more");
  }
}
