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
                    "--height=4",
                    "--width=4",
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
  void framesThatTheStagesDoNotFit_areRefusedWithTheNearestThatDo() {
    assertThat(run("--frames=16")).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(failures).singleElement().asString().contains("16").contains("13").contains("17");
  }

  @ParameterizedTest
  @CsvSource({
    "--blocks=0, --blocks: at least 1",
    "--rounds=-1, --rounds: at least 0",
    "--text=0, --text: at least 1",
    "--template=wan-huge, expected one of [animatediff-sd15"
  })
  void whatCannotBeMeasured_isRefusedByItsOption(String word, String expected) {
    assertThat(run(word)).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(failures).singleElement().asString().contains(expected);
  }
}
