package io.github.tpdiff.conformance.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.cli.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What is measured and how it is told; how long it takes is the machine's business. */
class BenchCommandTest {
  private static final double MOST_ERROR = 1e-4;

  private final StringWriter printed = new StringWriter();
  private final List<String> failures = new ArrayList<>();

  private int run(String... words) {
    var command = new CommandLine(new BenchCommand());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setOverwrittenOptionsAllowed(true);
    command.setOut(new PrintWriter(printed, true));
    command.setErr(new PrintWriter(printed, true));
    command.setExecutionExceptionHandler(
        (failure, line, parsed) -> {
          failures.add(String.valueOf(failure.getMessage()));
          return ExitCode.WRONG_INPUT;
        });
    return command.execute(
        Stream.concat(
                Stream.of(
                    "--template=wan-tiny",
                    "--frames=9",
                    "--height=8",
                    "--width=8",
                    "--blocks=1",
                    "--text=8"),
                Stream.of(words))
            .toArray(String[]::new));
  }

  @Test
  void table_hasEveryEngineStagedAndVanilla_andTheirDifferenceInEveryStage() {
    run("--rounds=1", "--steps=3");
    assertThat(failures).isEmpty();
    assertThat(printed.toString().lines())
        .first()
        .asString()
        .contains("1 of 3 blocks")
        .contains("in stages of [3, 5, 9] frames, 3 steps");
    for (String engine : new String[] {"torch", "onnx"}) {
      assertThat(printed.toString())
          .containsPattern(
              engine + " +staged [0-9.]+ s, vanilla [0-9.]+ s: [0-9.]+ times faster, [0-9.]+ pred")
          .containsPattern(engine + " +first output at full rate: [0-9.]+ s, peak anonymous");
    }
    assertThat(printed.toString())
        .containsPattern("onnx/torch time: staged [0-9.]+, vanilla [0-9.]+")
        .contains("largest errors, onnx against torch");
  }

  @Test
  void json_hasTheSame_andErrorsWithinWhatAnExportMayHave() throws IOException {
    int code = run("--rounds=1", "--json");
    assertThat(failures).isEmpty();
    JsonNode result = new ObjectMapper().readTree(printed.toString());
    assertThat(code).isEqualTo(result.path("passed").asBoolean() ? 0 : ExitCode.CHECK_FAILED);
    assertThat(result.path("engines")).hasSize(2);
    for (JsonNode engine : result.path("engines")) {
      for (String figure :
          List.of("staged_seconds", "vanilla_seconds", "speed_up", "predicted_speed_up")) {
        assertThat(engine.path(figure).asDouble()).as(figure).isPositive();
      }
      // The cost model counts work, which three stages have less of than one.
      assertThat(engine.path("predicted_speed_up").asDouble()).isGreaterThan(1);
      assertThat(engine.path("first_output").path("peak_anonymous_bytes").isNumber()).isTrue();
    }
    assertThat(result.path("max_errors")).hasSizeGreaterThanOrEqualTo(4);
    for (JsonNode error : result.path("max_errors")) {
      assertThat(error.asDouble()).isBetween(0.0, MOST_ERROR);
    }
  }

  @Test
  void withoutRounds_loadingAloneIsMeasured_bothWays() throws IOException {
    assertThat(run("--rounds=0", "--engines=torch", "--plain-load", "--json"))
        .isEqualTo(ExitCode.DONE);
    JsonNode engine = new ObjectMapper().readTree(printed.toString()).path("engines").path(0);
    assertThat(engine.path("engine").asText()).isEqualTo("torch");
    assertThat(engine.has("staged_seconds")).isFalse();
    assertThat(engine.path("plain_load").path("seconds").asDouble()).isPositive();
  }

  @Test
  void severalPlans_areMeasuredInTheSameRounds_andComparedInEveryStage() throws IOException {
    String[] plans = {
      "--rates=2x2x2,1x2x2", "--rates=2,2", "--split=2-2-1", "--rounds=1", "--steps=5"
    };
    run(plans);
    assertThat(failures).isEmpty();
    assertThat(printed.toString().lines().limit(3))
        .containsExactly(
            "1 of 3 blocks, latents [1, 12, 9, 8, 8], 5 steps",
            "rates 2x2x2,1x2x2: stages of 5 frames of 2x2, 9 frames of 4x4, 9 frames, steps [2, 2,"
                + " 1]",
            "rates 2,2: stages of [3, 5, 9] frames, steps [2, 2, 1]");
    for (String engine : new String[] {"torch", "onnx"}) {
      for (String plan : new String[] {"2x2x2,1x2x2", "2,2"}) {
        assertThat(printed.toString())
            .containsPattern(
                engine
                    + " +"
                    + plan
                    + " +staged [0-9.]+ s, vanilla [0-9.]+ s: [0-9.]+ times faster, [0-9.]+ pred");
      }
    }
    assertThat(printed.toString())
        .containsPattern("onnx/torch time: 2,2 +staged [0-9.]+, vanilla [0-9.]+")
        .contains("stage 3 of 5 frames of 2x2 ", "stage 2 of 9 frames of 4x4 ")
        .contains("stage 3 of 3 frames ", "stage 2 of 5 frames ")
        .containsOnlyOnce("stage 1 of 9 frames ");

    printed.getBuffer().setLength(0);
    run(
        Stream.concat(Stream.of(plans), Stream.of("--json", "--engines=torch"))
            .toArray(String[]::new));
    JsonNode engine = new ObjectMapper().readTree(printed.toString()).path("engines").path(0);
    assertThat(engine.path("plans")).hasSize(2);
    JsonNode both = engine.path("plans").path(0);
    JsonNode time = engine.path("plans").path(1);
    assertThat(both.path("rates").asText()).isEqualTo("2x2x2,1x2x2");
    assertThat(both.path("vanilla_seconds")).isEqualTo(time.path("vanilla_seconds"));
    // Of fewer rows and columns too there is less work.
    assertThat(both.path("predicted_speed_up").asDouble())
        .isGreaterThan(time.path("predicted_speed_up").asDouble());
  }

  @Test
  void eachPlan_mayHaveItsOwnSplit() {
    run("--rates=1x2x2", "--rates=2,2", "--split=3-1", "--split=1-1-2", "--rounds=0", "--steps=4");
    assertThat(failures).isEmpty();
    assertThat(printed.toString())
        .contains("rates 1x2x2: stages of 9 frames of 4x4, 9 frames, steps [3, 1]")
        .contains("rates 2,2: stages of [3, 5, 9] frames, steps [1, 1, 2]");
  }

  @Test
  void framesThatTheStagesDoNotFit_areRefusedWithTheNearestThatDo() {
    assertThat(run("--frames=16")).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(failures).singleElement().asString().contains("16").contains("13").contains("17");
  }

  @Test
  void plansThatContradictEachOther_areRefused() {
    run("--rates=2,2", "--stages=3");
    run("--rates=2", "--rates=2,2", "--rates=2", "--split=1-1", "--split=1-1-1");
    assertThat(failures)
        .containsExactly(
            "--stages: leave it out where --rates says whole plans, found both",
            "--split: expected one for all plans or one for each of 3, found [1-1, 1-1-1]");
  }

  @ParameterizedTest
  @CsvSource({
    "--blocks=0, --blocks: at least 1",
    "--rounds=-1, --rounds: at least 0",
    "--text=0, --text: at least 1",
    "--template=wan-huge, expected one of [animatediff-sd15",
    "'--rates=2x2x2,2x2x2,2x2x2', '--height: expected a multiple of 16 latents'",
    "--rates=2x2, '--rates: expected a rate such as 2, or 2x2x2'",
    "--split=1-1, stages.step_split: expected 3 values",
    "--steps=2, 'steps: at least one for each of 3 stages'"
  })
  void whatCannotBeMeasured_isRefusedByItsOption(String word, String expected) {
    assertThat(run(word)).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(failures).singleElement().asString().contains(expected);
  }
}
