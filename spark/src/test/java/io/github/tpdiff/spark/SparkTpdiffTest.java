package io.github.tpdiff.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import io.github.tpdiff.cli.Tpdiff;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The verbs in a cluster of two cores in this process, against the command alone. */
final class SparkTpdiffTest {
  private static final Map<String, String> LOCAL =
      Map.of(
          "spark.master", "local[2]",
          "spark.ui.enabled", "false",
          "spark.driver.host", "localhost",
          "spark.driver.bindAddress", "127.0.0.1");

  @TempDir private static Path folder;

  private record Run(int code, String out, String err) {}

  @BeforeAll
  static void makeCheckpointAndClips() {
    LOCAL.forEach(System::setProperty);
    alone("new-checkpoint", "wan-tiny", folder.resolve("tiny").toString());
    alone(
        "data",
        "shapes",
        folder.resolve("clips").toString(),
        "--clips",
        "4",
        "--size",
        "32x32",
        "--frames",
        "9");
  }

  @AfterAll
  static void forget() {
    Executor.close();
    LOCAL.keySet().forEach(System::clearProperty);
  }

  private static Run run(CommandLine root, StringWriter out, StringWriter err, String... words) {
    int code = Tpdiff.execute(root, words);
    return new Run(code, out.toString(), err.toString());
  }

  private static Run cluster(String... words) {
    var out = new StringWriter();
    var err = new StringWriter();
    return run(
        SparkTpdiff.commandLine(new PrintWriter(out), new PrintWriter(err)), out, err, words);
  }

  private static Run alone(String... words) {
    var out = new StringWriter();
    CommandLine root = Tpdiff.commandLine();
    root.setOut(new PrintWriter(out));
    Run run = run(root, out, new StringWriter(), words);
    assertThat(run.code()).isZero();
    return run;
  }

  /** A job in a folder of its own. */
  private static Path job(String name, String train) throws IOException {
    Path own = Files.createDirectories(folder.resolve(name));
    return Files.writeString(
        own.resolve("job.yaml"),
        """
        model: {path: ../tiny}
        data: {path: ../clips, sizes: [32x32x9]}
        stages: {count: 2, alignment: batch}
        lora: {rank: 2}
        train: {gradient_accumulation: 2, batches_at_once: 2, learning_rate: 1e-3, %s}
        output: {folder: out, save_every: 2}
        """
            .formatted(train));
  }

  private static Map<String, String> hashes(Path below) throws IOException {
    var hashes = new TreeMap<String, String>();
    try (var files = Files.walk(below)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        hashes.put(
            below.relativize(file).toString(),
            MoreFiles.asByteSource(file).hash(Hashing.sha256()).toString());
      }
    }
    return hashes;
  }

  @Test
  void prepare_makesTheCacheOfOneMachine() throws IOException {
    Path one = job("prepared-alone", "steps: 1");
    Path two = job("prepared", "steps: 1");
    Run expected = alone("prepare", one.toString());
    Run run = cluster("prepare", two.toString());
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(run.out()).isEqualTo(expected.out());
    assertThat(hashes(two.resolveSibling("cache")))
        .isEqualTo(hashes(one.resolveSibling("cache")))
        .hasSizeGreaterThan(8);
  }

  private static void assertSame(Path file, Path other, float tolerance) {
    try (TensorSource one = SafetensorsFile.open(file);
        TensorSource two = SafetensorsFile.open(other)) {
      assertThat(two.names()).isEqualTo(one.names()).isNotEmpty();
      for (String name : one.names()) {
        assertThat(two.floats(name)).as(name).containsExactly(one.floats(name), within(tolerance));
      }
    }
  }

  @Test
  void train_onTwoRanks_takesTheStepsOfOne_andResumesBitForBit() throws IOException {
    Path one = job("trained-alone", "steps: 6");
    alone("train", one.toString());
    Path two = job("trained", "steps: 6");
    Run run = cluster("train", two.toString());
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("finished at step 6: " + two.resolveSibling("out"));
    String lora = "out/pytorch_lora_weights.safetensors";
    assertSame(one.resolveSibling(lora), two.resolveSibling(lora), 1e-6f);

    Path resumed = job("resumed", "steps: 4");
    assertThat(cluster("train", resumed.toString()).code()).isZero();
    job("resumed", "steps: 6");
    Run refused = cluster("train", resumed.toString());
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).contains("a state of an earlier run is there; resume it");
    assertThat(cluster("train", resumed.toString(), "--resume").code()).isZero();
    assertThat(resumed.resolveSibling(lora)).hasSameBinaryContentAs(two.resolveSibling(lora));
  }

  @Test
  void generate_makesEachRowOnce_asTheCommandDoes() throws IOException {
    String request =
        "{\"prompt\": \"a red ball\", \"seed\": 3, \"video\": {\"width\": 32, \"height\": 32, \"frames\": 9}, \"sampling\": {\"steps\": 2}}";
    Path single = Files.writeString(folder.resolve("request.json"), request);
    Path video = folder.resolve("alone.mp4");
    alone(
        "generate",
        folder.resolve("tiny").toString(),
        "--request",
        single.toString(),
        "--out",
        video.toString());

    Path table =
        Files.writeString(
            folder.resolve("rows.csv"),
            """
            id,prompt,seed,video.width,video.height,video.frames,sampling.steps
            first,a red ball,3,32,32,9,2
            wide,a red ball,3,33,32,9,2
            """);
    Path out = folder.resolve("generated");
    String[] words = {
      "generate",
      folder.resolve("tiny").toString(),
      "--requests",
      table.toString(),
      "--out",
      out.toString()
    };
    Run run = cluster(words);
    assertThat(run.err()).isEmpty();
    assertThat(run.out()).contains("1 of 2 requests made, 1 refused");
    assertThat(run.code()).isEqualTo(1);
    assertThat(out.resolve("videos/first.mp4")).hasSameBinaryContentAs(video);
    List<String> results = Files.readAllLines(out.resolve("results.jsonl"));
    assertThat(results).hasSize(2);
    assertThat(results.get(0)).contains("\"id\":\"first\"".replace(":", ": "), "videos/first.mp4");
    assertThat(results.get(1)).contains("wide", "error", "33").doesNotContain("sha256");

    var old = FileTime.fromMillis(1_000_000);
    Files.setLastModifiedTime(out.resolve("videos/first.mp4"), old);
    cluster(words);
    assertThat(Files.getLastModifiedTime(out.resolve("videos/first.mp4"))).isEqualTo(old);
    assertThat(Files.readAllLines(out.resolve("results.jsonl"))).isEqualTo(results);
  }

  @Test
  void evaluate_saysTheSameFigures() throws IOException {
    String clips = folder.resolve("clips").toString();
    Path one = folder.resolve("measured-alone");
    Path two = folder.resolve("measured");
    Run expected = alone("evaluate", clips, "--out", one.toString());
    Run run = cluster("evaluate", clips, "--out", two.toString());
    assertThat(run.code()).isZero();
    assertThat(run.out().replace(two.toString(), one.toString())).isEqualTo(expected.out());
    assertThat(hashes(two.resolve("features"))).isEqualTo(hashes(one.resolve("features")));
  }

  @Test
  void wrongSubmissions_endInOneLine() {
    Path nothing = folder.resolve("nothing.yaml");
    assertOneLine(cluster("prepare", nothing.toString()), "nothing.yaml");
    assertOneLine(
        cluster(
            "generate", folder.resolve("tiny").toString(), "--requests", "ftps://host/rows.jsonl"),
        "ftps");
    Answer missing =
        Executor.make(Task.of(Task.Kind.CLIPS, List.of(nothing.toString())), "anything");
    assertThat(missing.isRefused()).isTrue();
    assertThat(missing.text()).contains("nothing.yaml").doesNotContain("\n");
    Answer other =
        Executor.make(new Task(Task.Kind.CLIPS, List.of("job.yaml"), "0123"), "anything");
    assertThat(other.isRefused()).isTrue();
    assertThat(other.text())
        .contains("the driver runs build 0123 of tpdiff and this executor build classes");
  }

  private static void assertOneLine(Run run, String words) {
    assertThat(run.code()).as(run.err()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("tpdiff: ").contains(words);
  }
}
