package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder as people have it: videos and pictures of many kinds, and what is of no use. */
final class MixedDataTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir private static Path folder;

  @BeforeAll
  static void makeCheckpointAndData() throws IOException {
    Invocation.of("new-checkpoint", "wan-tiny", folder.resolve("whole"), "--dtype", "F32");
    Path data = Files.createDirectories(folder.resolve("data/deeper"));
    for (int i = 0; i < 3; i++) {
      VideoWriter.write(data.resolve("wide" + i + ".mp4"), clip(i, 40, 48, 64));
      Files.writeString(data.resolve("wide" + i + ".txt"), "a wide wave");
      PngWriter.write(data.resolve("tall" + i + ".png"), clip(i, 1, 72, 48).frame(0));
    }
    VideoWriter.write(data.resolve("tall.mp4"), clip(7, 12, 64, 48));
    Files.move(data.resolve("tall.mp4"), data.resolve("tall.mov"));
    Files.writeString(data.resolve("tall.txt"), "a sks tall wave");
    PngWriter.write(data.resolve("tall.jpg"), clip(7, 1, 64, 48).frame(0)); // a png by content
    VideoWriter.write(data.resolve("short.mp4"), clip(8, 3, 48, 64));
    Files.writeString(data.resolve("short.txt"), "too short");
    VideoWriter.write(data.resolve("mute.mp4"), clip(9, 20, 48, 64));
    Files.write(data.resolve("noise.mp4"), new byte[] {1, 2, 3});
    Files.writeString(data.resolve("noise.txt"), "noise");
    Files.write(data.resolve("empty.webp"), new byte[0]);
    Files.writeString(data.resolve("empty.txt"), "nothing");
    Files.writeString(data.resolve("lost.txt"), "of no video");
    Files.writeString(data.resolve("notes.md"), "# notes");
    Files.writeString(
        data.resolve("metadata.csv"),
        "file_name,text\ntall0.png,one\ntall1.png,two\ntall2.png,\"three, again\"\ngone.mp4,gone\n");
  }

  private static VideoClip clip(int seed, int frames, int height, int width) {
    var data = new float[3 * frames * height * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (0.8 * Math.sin(0.05 * i + 1.7 * seed));
    }
    return new VideoClip(data, frames, height, width, 8);
  }

  private static Path job(String name, String data) throws IOException {
    Path job = folder.resolve(name + ".yaml");
    Files.writeString(
        job,
        """
        model: {path: whole}
        data: {%s, cache: cache-%s, fps: 8, pixels: 64x48, frames: [9, 17]}
        stages: {count: 2, alignment_window: 4}
        train: {steps: 6, batch_size: 2, learning_rate: 1e-3}
        lora: {rank: 2}
        output: {folder: out-%s, save_every: 6}
        """
            .formatted(data, name, name));
    return job;
  }

  private static List<JsonNode> manifest(String name) throws IOException {
    var lines = new ArrayList<JsonNode>();
    for (String line :
        Files.readAllLines(folder.resolve("cache-" + name + "/data_manifest.jsonl"))) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  @Test
  void everyFile_isAccountedFor_andEveryClipIsInTheManifest() throws IOException {
    Path job =
        job("one", "path: data, extraction: sliding, trigger: sks, caption_prefix: 'film, '");
    var prepared = Invocation.of("prepare", job, "--device", "cpu");
    assertThat(prepared.exitCode()).as(prepared.err()).isZero();
    assertThat(prepared.out())
        .contains("found 22 files: 7 videos, 4 pictures, 1 pictures beside videos, 7 captions,")
        .contains("1 lists, 2 passed over")
        .contains("passed over, neither video, picture nor caption: 1 .md")
        .contains("captions without a video or picture: 1, such as lost.txt")
        .contains("dropped  gone.mp4: expected a video or picture file, found none")
        .contains("dropped  mute.mp4: expected a caption")
        .contains("dropped  short.mp4: expected 9 frames at 8.0 fps")
        .contains("dropped  noise.mp4")
        .contains("dropped  empty.webp")
        .contains(
            "of 4 of 8 videos and 3 of 4 pictures; dropped: 1 without a caption, 1 too short,")
        .contains("batches of 2: ");
    List<JsonNode> clips = manifest("one");
    Set<String> names = new HashSet<>();
    for (JsonNode clip : clips) {
      Path file = Path.of(clip.get("file").asText());
      names.add(file.getFileName().toString());
      assertThat(clip.get("sha256").asText())
          .isEqualTo(
              com.google.common.io.MoreFiles.asByteSource(file)
                  .hash(com.google.common.hash.Hashing.sha256())
                  .toString());
    }
    assertThat(names)
        .containsExactlyInAnyOrder(
            "tall.mov",
            "tall0.png",
            "tall1.png",
            "tall2.png",
            "wide0.mp4",
            "wide1.mp4",
            "wide2.mp4");
    assertThat(clips)
        .extracting(clip -> clip.get("size").asText())
        .containsOnly("64x48x17", "48x64x9", "48x64x1");
    // Of 40 frames, clips of 17 every 8.
    assertThat(clips)
        .filteredOn(clip -> clip.get("file").asText().endsWith("wide1.mp4"))
        .extracting(clip -> clip.get("frames").toString() + clip.get("seconds"))
        .containsExactly("[0,16][0.0,2.125]", "[8,24][1.0,3.125]", "[16,32][2.0,4.125]");
    assertThat(clips)
        .extracting(clip -> clip.get("caption").asText())
        .contains("film, sks, three, again", "film, a sks tall wave", "film, sks, a wide wave");
    var again = Invocation.of("prepare", job, "--device", "cpu");
    assertThat(again.out()).contains("cached   ").doesNotContain("kept     ");
    assertThat(manifest("one")).isEqualTo(clips);
  }

  @Test
  void damagedCache_isMadeAgainByteForByte() throws IOException {
    Path job = job("damaged", "path: data, extraction: uniform");
    assertThat(Invocation.of("prepare", job, "--device", "cpu").exitCode()).isZero();
    List<Path> files = files("damaged");
    List<byte[]> before = contents(files);
    Files.write(files.get(0), new byte[] {1});
    Files.delete(files.get(1));
    assertThat(Invocation.of("prepare", job, "--device", "cpu").exitCode()).isZero();
    assertThat(files("damaged")).isEqualTo(files);
    List<byte[]> after = contents(files);
    for (int i = 0; i < before.size(); i++) {
      assertThat(after.get(i)).as(files.get(i).toString()).isEqualTo(before.get(i));
    }
  }

  private static List<Path> files(String name) throws IOException {
    try (var files = Files.list(folder.resolve("cache-" + name + "/latents"))) {
      return files.sorted(Comparator.naturalOrder()).collect(Collectors.toList());
    }
  }

  private static List<byte[]> contents(List<Path> files) throws IOException {
    var contents = new ArrayList<byte[]>();
    for (Path file : files) {
      contents.add(Files.readAllBytes(file));
    }
    return contents;
  }

  /** Videos and pictures of two sets train together, and go on bit for bit. */
  @Test
  void setsWithWeights_train_andResumeBitForBit() throws IOException {
    String sets =
        "sets: [{path: data, weight: 3, extraction: middle}, {path: data/deeper/metadata.csv,"
            + " weight: 1, trigger: still}]";
    var straight = Invocation.of("train", job("sets", sets), "--device", "cpu");
    assertThat(straight.exitCode()).as(straight.err()).isZero();
    assertThat(straight.out()).contains("data: found 22 files").contains("metadata.csv: captions");
    Path again = job("again", sets);
    Files.writeString(again, Files.readString(again).replace("steps: 6", "steps: 3"));
    assertThat(Invocation.of("train", again, "--device", "cpu").exitCode()).isZero();
    Files.writeString(again, Files.readString(again).replace("steps: 3", "steps: 6"));
    var resumed = Invocation.of("train", again, "--device", "cpu", "--resume");
    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    String file = "pytorch_lora_weights.safetensors";
    assertThat(
            Files.mismatch(
                folder.resolve("out-sets").resolve(file),
                folder.resolve("out-again").resolve(file)))
        .isEqualTo(-1);
    assertThat(Files.readString(folder.resolve("out-sets/job.yaml")))
        .contains("pixels: 64x48")
        .doesNotContain("sizes:");
    assertThat(manifest("sets")).extracting(clip -> clip.get("set").asInt()).contains(0, 1);
  }

  @Test
  void dryRun_saysWhatBecomesOfEveryFile_andNothingIsWritten() throws IOException {
    Path job = job("dry", "path: data, validation: 0.2");
    var dry = Invocation.of("train", job, "--dry-run", "--device", "cpu");
    assertThat(dry.exitCode()).as(dry.err()).isZero();
    assertThat(dry.out())
        .contains("found 22 files")
        .contains("4 of 8 videos and 3 of 4 pictures")
        .contains("48x64x1")
        .contains("batches of 2: ");
    assertThat(Files.exists(folder.resolve("cache-dry/latents"))).isFalse();
  }

  @Test
  void modelWhoseStagesTakeNoPicture_saysSo_andTrainsOnTheVideos() throws IOException {
    Invocation.of("new-checkpoint", "animatediff-tiny", folder.resolve("motion"));
    Path job = folder.resolve("motion.yaml");
    Files.writeString(
        job,
        """
        model: {path: motion}
        data: {path: data, cache: cache-motion, sizes: [32x32x16], fps: 8}
        stages: {count: %d}
        """
            .formatted(3));
    var staged = Invocation.of("prepare", job, "--device", "cpu");
    assertThat(staged.exitCode()).as(staged.err()).isZero();
    assertThat(staged.out())
        .contains("dropped  tall0.png: one frame does not divide into stages with rates [2, 2];")
        .contains("0 of 4 pictures");
    Files.writeString(job, Files.readString(job).replace("count: 3", "count: 1"));
    assertThat(Invocation.of("prepare", job, "--device", "cpu").out())
        .contains("3 of 4 pictures")
        .contains("1 frames of 32 x 32, a picture of 48 x 72");
  }

  @Test
  void newJob_takesAFolderOfPicturesAlone() throws IOException {
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    for (int i = 0; i < 2; i++) {
      PngWriter.write(pictures.resolve(i + ".png"), clip(i, 1, 48, 64).frame(0));
      Files.writeString(pictures.resolve(i + ".txt"), "waves");
    }
    Path job = folder.resolve("pictures.yaml");
    var made = Invocation.of("new-job", folder.resolve("whole"), pictures, "--out", job);
    assertThat(made.exitCode()).as(made.err()).isZero();
    assertThat(made.out()).contains("2 of 2 videos and pictures as [64x48x1]");
    assertThat(Invocation.of("prepare", job, "--device", "cpu").exitCode()).isZero();
  }
}
