package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An experiment on the tiny checkpoint, too short to learn anything. */
class ExperimentCommandTest {
  private static final String PLAN =
      """
      title: A test
      starts: {wan: {template: wan-tiny, vanilla_steps: 2}}
      data: {shapes: {clips: 6, width: 64, height: 64, frames: 17, fps: 8, seed: 0}}
      base:
        data: {fps: 8, sizes: [64x64x17], validation: 0.2}
        train: {weights: ["**"], batch_size: 1, learning_rate: 2e-3, gradient_checkpointing: false}
      budget: {steps: 4, points: 2}
      seeds: 1
      quality: {clips: 2, steps: 3, guidance: 1}
      speed: {sizes: {wan: 64x64x33}, steps: 4, rounds: 2}
      arms:
        vanilla: {job: {stages: {count: 1}}}
        phased: {against: vanilla, job: {stages: {count: 3}}, paper: {training_speed_up: 2.16}}
      """;

  @TempDir private Path folder;

  private Invocation run(String plan, String... more) throws IOException {
    Files.writeString(folder.resolve("plan.yaml"), plan);
    var words = new ArrayList<Object>();
    words.add("experiment");
    words.add(folder.resolve("plan.yaml"));
    words.add("-o");
    words.add(folder.resolve("out"));
    words.add("--device");
    words.add("cpu");
    words.addAll(List.of(more));
    return Invocation.of(words.toArray());
  }

  private Path point(String arm, int point) {
    return folder.resolve("out/arms/%s/seed-0/point-%02d.json".formatted(arm, point));
  }

  private JsonNode json(Path file) throws IOException {
    return new JsonMapper().readTree(file.toFile());
  }

  @Test
  void everyArm_isMeasuredAtEveryPoint_andGoesOnWhereItWasStopped() throws IOException {
    var dry = run(PLAN, "--dry-run");
    assertThat(dry.exitCode()).as(dry.err()).isZero();
    assertThat(dry.out()).contains("[2, 4]").doesNotContain("training");

    var run = run(PLAN);
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode vanilla = json(point("vanilla", 1));
    JsonNode phased = json(point("phased", 1));
    assertThat(vanilla.get("step").intValue()).isEqualTo(4);
    assertThat(phased.get("step").intValue()).isGreaterThan(4);
    // As much computing, to half a step.
    double step = phased.get("flops").doubleValue() / phased.get("step").intValue();
    assertThat(phased.get("flops").doubleValue())
        .isCloseTo(vanilla.get("flops").doubleValue(), within(0.5 * step));
    assertThat(phased.get("measures").get("score").isNumber()).isTrue();
    assertThat(phased.get("seconds").doubleValue())
        .isGreaterThan(json(point("phased", 0)).get("seconds").doubleValue());
    assertThat(Files.readString(folder.resolve("out/report.html")))
        .contains("phased", "2.16", "<svg");

    // What a kill leaves: the last points are not there, states and files of the training are.
    Files.delete(point("phased", 1));
    Files.delete(point("vanilla", 1));
    Files.delete(folder.resolve("out/arms/vanilla/seed-0/trained-01.json"));
    deleteState("vanilla", 4);
    var again = run(PLAN);
    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(json(point("phased", 1)).get("measures")).isEqualTo(phased.get("measures"));
    assertThat(json(point("vanilla", 1)).get("measures")).isEqualTo(vanilla.get("measures"));

    JsonNode timed = json(folder.resolve("out/arms/phased/speed-01.json"));
    assertThat(timed.get("seconds").doubleValue()).isPositive();
    JsonNode cost = json(folder.resolve("out/report.json")).get("arms").get("phased").get("timed");
    // A quarter of a video's work is at half and a quarter of the frames each, one step of four.
    assertThat(cost.get("flopsSpeedUp").doubleValue()).isBetween(1.3, 1.7);

    // A budget may be raised: points are added, none is made again.
    Object first = Files.getLastModifiedTime(point("phased", 1));
    var raised = run(PLAN.replace("steps: 4, points: 2", "steps: 8, points: 3"));
    assertThat(raised.exitCode()).as(raised.err()).isZero();
    assertThat(json(point("vanilla", 2)).get("step").intValue()).isEqualTo(8);
    assertThat(Files.getLastModifiedTime(point("phased", 1))).isEqualTo(first);
    JsonNode shares = json(folder.resolve("out/report.json")).get("arms").get("vanilla");
    assertThat(shares.get("bySeed").get(0).get(1).get("share").doubleValue()).isEqualTo(0.5);

    // Another arm may come; an arm that was trained may not become another.
    var other = run(PLAN.replace("count: 3", "count: 2"));
    assertThat(other.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(other.err()).contains("arm.json: expected the arm of");
    Iterator<String> arms = json(folder.resolve("out/report.json")).get("arms").fieldNames();
    assertThat(arms).toIterable().containsExactly("vanilla", "phased");
  }

  /** The trainer keeps the last states; the one before is that of the point before. */
  private void deleteState(String arm, int step) throws IOException {
    Path state = folder.resolve("out/arms/%s/seed-0/run/states/step-%08d".formatted(arm, step));
    assertThat(state).isDirectory();
    MoreFiles.deleteRecursively(state, RecursiveDeleteOption.ALLOW_INSECURE);
  }

  @Test
  void plansThatComeWithIt_areListedAndPrinted() {
    var list = Invocation.of("experiment");
    assertThat(list.out()).contains("training-speed.minutes", "paper-table-3.gpu-days");
    var text = Invocation.of("experiment", "paper-table-3.minutes", "--print");
    assertThat(text.out()).contains("inference_speed_up").doesNotContain("sizes:\n  minutes");
    var none = Invocation.of("experiment", "training-sped.hours");
    assertThat(none.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(none.err()).contains("did you mean training-speed.hours?");
  }

  @Test
  void faults_areFoundBeforeAnythingIsTrained() throws IOException {
    var job = run(PLAN.replace("{stages: {count: 3}}", "{stages: {cont: 3}}"));
    assertThat(job.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(job.err()).contains("unknown key 'cont' in stages");
    var template = run(PLAN.replace("wan-tiny", "wan-tny"));
    assertThat(template.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(template.err()).contains("starts.wan.template: expected one of");
  }
}
