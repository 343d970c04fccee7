package io.github.tpdiff.runtime.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordJsonTest {
  private static final String STAGES =
      """
      {
        "version": "1.2",
        "rates": [
          4,
          2
        ],
        "boundaries": [
          0.75,
          0.5
        ],
        "step_split": [
          1,
          1,
          2
        ],
        "resampling": {
          "downsampling": "mean",
          "upsampling": "linear",
          "first_frame": "shared"
        },
        "space": {
          "downsampling": "stride",
          "upsampling": "linear"
        },
        "targets": "pixel",
        "positions": [
          "scaled",
          "native",
          "native"
        ],
        "target_scale": "stage",
        "ends": "clean"
      }\
      """;

  private static final StageConfig CONFIG =
      new StageConfig(
          GridFactor.ofTimes(4, 2),
          List.of(0.75, 0.5),
          List.of(1, 1, 2),
          new FrameResampling(
              FrameResampling.Downsampling.MEAN,
              FrameResampling.Upsampling.LINEAR,
              FrameResampling.FirstFrame.SHARED),
          new SpaceResampling(
              FrameResampling.Downsampling.STRIDE, FrameResampling.Upsampling.LINEAR),
          StageConfig.Targets.PIXEL,
          new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE),
          StageConfig.TargetScale.STAGE,
          StageConfig.Ends.CLEAN);

  @TempDir Path folder;

  @Test
  void stages_areWrittenInSnakeCase() {
    assertEquals(STAGES, RecordJson.STAGES.format(CONFIG));
  }

  @Test
  void stages_areReadBack() {
    assertEquals(CONFIG, RecordJson.STAGES.parse(STAGES, "here"));
  }

  /** {@link #STAGES} before stages could end elsewhere than where the next begins. */
  private static String ofLinkedStages(String version) {
    return STAGES.replace("1.2", version).replace(",\n  \"ends\": \"clean\"", "");
  }

  @Test
  void stagesOfAnEarlierVersion_areLinked() {
    String earlier = ofLinkedStages("1.1");
    assertFalse(earlier.contains("ends"), earlier);
    assertEquals(
        CONFIG.withEnds(StageConfig.Ends.LINKED), RecordJson.STAGES.parse(earlier, "here"));
  }

  /** {@link #STAGES} as version 1.0 had it, before stages differed in rows and columns. */
  private static final String EARLIER =
      ofLinkedStages("1.0").replaceAll("(?s)\\s+\"space\".*(?=\\s+\"target_scale\")", "");

  @Test
  void stagesOfTheFirstVersion_areOverTimeAloneWithTheDefaultsOfWhatCameLater() {
    assertTrue(EARLIER.matches("(?s).*\"shared\"\\s+},\\s+\"target_scale\".*"), EARLIER);
    var expected =
        CONFIG
            .withSpace(SpaceResampling.blocks())
            .withTargets(StageConfig.Targets.LATENT)
            .withPositions(PositionRules.scaled())
            .withEnds(StageConfig.Ends.LINKED);
    assertEquals(expected, RecordJson.STAGES.parse(EARLIER, "here"));
  }

  @Test
  void fileWithoutAVersion_isOfTheFirst() {
    String without = EARLIER.replace("\"version\": \"1.0\",", "");
    assertTrue(without.length() < EARLIER.length());
    assertEquals(
        RecordJson.STAGES.parse(EARLIER, "here"), RecordJson.STAGES.parse(without, "here"));
  }

  private static String ofVersion(String version) {
    return STAGES.replace("\"version\": \"1.2\"", "\"version\": " + version);
  }

  @Test
  void whatALaterMinorVersionAdds_isLeftOutWhereverItIs() {
    String later =
        ofVersion("\"1.7\"")
            .replace("\"rates\"", "\"weather\": {\"rain\": [1]}, \"rates\"")
            .replace("\"upsampling\"", "\"sharpening\": null, \"upsampling\"");
    assertEquals(CONFIG, RecordJson.STAGES.parse(later, "here"));
    assertRefused(
        later.replace("1.7", "1.2"), "here: weather: there is no such field; did you mean rates?");
    assertRefused(
        later.replace("[\n    4,", "[\n    true,"),
        "here: rates[0]: expected an integer, or three such as [2, 2, 2], found true");
  }

  @Test
  void whatALaterMinorVersionAddsInListsOfRecords_isLeftOut() {
    ModelDescription description = LinearVideoModel.description();
    String later =
        RecordJson.PIPELINE
            .format(description)
            .replace("\"version\": \"2.2\"", "\"version\": \"2.3\"")
            .replace("\"runs\"", "\"walks\": 1, \"runs\"")
            .replace("\"least_timestep\"", "\"most_timestep\": 9, \"least_timestep\"")
            .replace("\"max_length\"", "\"min_length\": 2, \"max_length\"");
    assertEquals(description, RecordJson.PIPELINE.parse(later, "here"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"2.0\"| here: version: expected at most 1.2, found 2.0; a newer tpdiff reads it",
        "\"10.3\"| here: version: expected at most 1.2, found 10.3; a newer tpdiff reads it",
        "\"one\"| here: version: expected two numbers such as 1.0, found 'one'",
        "\"1\"| here: version: expected two numbers such as 1.0, found '1'",
        "1| here: version: expected two numbers such as 1.0, found '1'",
        "null| here: version: expected two numbers such as 1.0, found 'null'",
        "\"-1.0\"| here: version: expected two numbers such as 1.0, found '-1.0'",
      })
  void versionThatIsNotRead_isRefusedByName(String version, String message) {
    assertRefused(ofVersion(version), message);
  }

  @Test
  void laterMajorVersionOfADescription_isRefusedByName() {
    String text =
        RecordJson.PIPELINE
            .format(LinearVideoModel.description())
            .replace("\"version\": \"2.2\"", "\"version\": \"3.0\"");
    var error =
        assertThrows(CheckpointException.class, () -> RecordJson.PIPELINE.parse(text, "here"));
    assertEquals(
        "here: version: expected at most 2.2, found 3.0; a newer tpdiff reads it",
        error.getMessage());
  }

  record Inner(int depth) {}

  record Sample(
      String name,
      Optional<String> note,
      OptionalInt count,
      Optional<Inner> inside,
      List<Inner> all,
      Map<String, Integer> each) {}

  private static final RecordJson<Sample> HAND_WRITTEN = RecordJson.handWritten(Sample.class);

  @Test
  void optionalFieldsListsAndMapsThatAreMissing_areEmpty() {
    var bare =
        new Sample(
            "x", Optional.empty(), OptionalInt.empty(), Optional.empty(), List.of(), Map.of());
    assertEquals(bare, HAND_WRITTEN.parse("{\"name\": \"x\"}", "here"));
    assertEquals(
        bare,
        HAND_WRITTEN.parse(
            """
            {"name": "x", "note": null, "count": null, "inside": null, "all": null, "each": null}
            """,
            "here"));
    var full =
        new Sample(
            "x",
            Optional.of("n"),
            OptionalInt.of(3),
            Optional.of(new Inner(1)),
            List.of(new Inner(2), new Inner(3)),
            Map.of("a", 4));
    assertEquals(full, HAND_WRITTEN.parse(HAND_WRITTEN.format(full), "here"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}| here: name: expected a string, found nothing",
        "{\"name\": 1}| here: name: expected a string, found 1",
        "{\"name\": 1.5}| here: name: expected a string, found 1.5",
        "{\"name\": true}| here: name: expected a string, found true",
        "{\"name\": [\"x\"]}| here: name: expected a string, found [\"x\"]",
        "{\"name\": \"x\", \"note\": 2}| here: note: expected a string, found 2",
        "{\"nam\": \"x\"}| here: nam: there is no such field; did you mean name?",
        "{\"version\": \"9.9\", \"name\": \"x\"}|"
            + " here: version: there is no such field; did you mean inside?",
        "{\"name\": \"x\", \"inside\": {\"dept\": 1}}|"
            + " here: inside.dept: there is no such field; did you mean depth?",
        "{\"name\": \"x\", \"all\": [{\"depth\": 1}, {\"depth\": 1, \"dept\": 1}]}|"
            + " here: all[1].dept: there is no such field; did you mean depth?",
        "{\"name\": \"x\", \"all\": [{}]}|"
            + " here: all[0].depth: expected an integer, found nothing",
        "{\"name\": \"x\", \"all\": {\"depth\": 1}}|"
            + " here: all: expected a list, found {\"depth\":1}",
        "{\"name\": \"x\", \"all\": [null]}| here: all[0]: expected an object, found null",
        "{\"name\": \"x\", \"each\": {\"a\": \"b\"}}|"
            + " here: each.a: expected an integer, found \"b\"",
      })
  void handWrittenJson_isTakenAtItsWord(String text, String message) {
    var error = assertThrows(CheckpointException.class, () -> HAND_WRITTEN.parse(text, "here"));
    assertEquals(message, error.getMessage());
  }

  @Test
  void unknownFieldInAListOfADescription_isFound() {
    String text =
        RecordJson.PIPELINE
            .format(LinearVideoModel.description())
            .replaceFirst("\"runs\"", "\"run\"");
    var error =
        assertThrows(CheckpointException.class, () -> RecordJson.PIPELINE.parse(text, "here"));
    assertEquals(
        "here: flow.components[0].run: there is no such field; did you mean runs?",
        error.getMessage());
  }

  @Test
  void description_survivesAFile() {
    var description = LinearVideoModel.description();
    Path file = folder.resolve(RecordJson.PIPELINE_FILE);
    RecordJson.PIPELINE.write(file, description);
    assertEquals(description, RecordJson.PIPELINE.read(file));
  }

  @Test
  void schedulerFields_keepTypesAndLoseNulls() {
    String text =
        RecordJson.PIPELINE
            .format(LinearVideoModel.description())
            .replace(
                "\"scheduler\": {",
                "\"scheduler\": {\"trained_betas\": null, \"flag\": true, \"list\": [1, 0.5],");
    Map<String, Object> scheduler = RecordJson.PIPELINE.parse(text, "here").scheduler();
    assertEquals(true, scheduler.get("flag"));
    assertEquals(List.of(1, 0.5), scheduler.get("list"));
    assertTrue(!scheduler.containsKey("trained_betas"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"rates\"| \"rate\"| here: rate: there is no such field; did you mean rates?",
        "\"first_frame\"| \"first_fram\"|"
            + " here: resampling.first_fram: there is no such field; did you mean first_frame?",
        "\"mean\"| \"median\"|"
            + " here: resampling.downsampling: expected stride or mean, found \"median\"",
        "\"mean\"| 1| here: resampling.downsampling: expected stride or mean, found 1",
        "\"stage\"| null| here: target_scale: expected global or stage, found null",
        "4,| 4.5,| here: rates[0]: expected an integer, or three such as [2, 2, 2], found 4.5",
        "4,| \"4\",| here: rates[0]: expected an integer, or three such as [2, 2, 2], found \"4\"",
        "0.75,| true,| here: boundaries[0]: expected a number, found true",
        "0.75,| 1.75,|"
            + " here: stages.boundaries: must fall and lie in (0, 1), found [1.75, 0.5]",
      })
  void wrongStages_areRefusedInOneLine(String found, String replacement, String message) {
    assertTrue(STAGES.contains(found), found);
    assertRefused(STAGES.replace(found, replacement), message);
  }

  @Test
  void ratesOverSpace_areThreeNumbersEach() {
    StageConfig mixed = CONFIG.withRates(List.of(new GridFactor(1, 2, 2), GridFactor.ofTime(2)));
    String text = RecordJson.STAGES.format(mixed);
    assertTrue(text.replaceAll("\\s", "").contains("\"rates\":[[1,2,2],2],"), text);
    assertEquals(mixed, RecordJson.STAGES.parse(text, "here"));
    assertEquals(
        CONFIG, RecordJson.STAGES.parse(STAGES.replace("    4,", "    [4, 1, 1],"), "here"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[2, 2]| here: rates[0]: expected an integer, or three such as [2, 2, 2], found [2,2]",
        "[]| here: rates[0]: expected an integer, or three such as [2, 2, 2], found []",
        "[2, 2, 2.5]|"
            + " here: rates[0]: expected an integer, or three such as [2, 2, 2], found [2,2,2.5]",
        "[2, \"2\", 2]|"
            + " here: rates[0]: expected an integer, or three such as [2, 2, 2], found [2,\"2\",2]",
        "{\"time\": 2, \"height\": 2, \"width\": 2}|"
            + " here: rates[0]: expected an integer, or three such as [2, 2, 2],"
            + " found {\"time\":2,\"height\":2,\"width\":2}",
        "null| here: rates[0]: expected an integer, or three such as [2, 2, 2], found null",
        "9223372036854775807| here: rates[0]: expected an integer, or three such as [2, 2, 2],"
            + " found 9223372036854775807",
        "0| here: stages.rates: at least 1 along each axis, found [0, 1, 1]",
        "[2, -2, 2]| here: stages.rates: at least 1 along each axis, found [2, -2, 2]",
        "[1, 1, 1]| here: stages.rates: each from 1 to 64 along an axis and above 1 along one at"
            + " least, found [1, 2]",
        "[1, 65, 1]| here: stages.rates: each from 1 to 64 along an axis and above 1 along one at"
            + " least, found [[1, 65, 1], 2]",
      })
  void wrongRates_areRefusedInOneLine(String rate, String message) {
    assertRefused(STAGES.replace("    4,", "    " + rate + ","), message);
  }

  @Test
  void positions_areOneWordOrOneForEachAxis() {
    StageConfig uniform = CONFIG.withPositions(PositionRules.all(PositionRule.NATIVE));
    String text = RecordJson.STAGES.format(uniform);
    assertTrue(text.contains("\"positions\": \"native\""), text);
    assertEquals(uniform, RecordJson.STAGES.parse(text, "here"));
    for (String wrong :
        List.of("\"scaled\", \"native\"", "\"scaled\", \"native\", \"natural\"", "1, 2, 3")) {
      String changed = STAGES.replaceAll("(?s)(?<=\"positions\": \\[).*?(?=])", wrong);
      assertRefused(
          changed,
          "here: positions: expected scaled or native, or three of them, found [%s]"
              .formatted(wrong.replace(" ", "")));
    }
  }

  @Test
  void fileOfTheFirstVersion_isTakenAtItsWordInWhatItSays() {
    String said = EARLIER.replace("\"target_scale\"", "\"targets\": \"pixel\", \"target_scale\"");
    assertEquals(StageConfig.Targets.PIXEL, RecordJson.STAGES.parse(said, "here").targets());
    assertEquals(SpaceResampling.blocks(), RecordJson.STAGES.parse(said, "here").space());
  }

  @Test
  void missingField_isNamed() {
    String text = STAGES.replace(",\n    \"first_frame\": \"shared\"", "");
    assertRefused(text, "here: resampling.first_frame: expected shared or grouped, found nothing");
    String without = STAGES.replace(",\n  \"target_scale\": \"stage\"", "");
    assertRefused(without, "here: target_scale: expected global or stage, found nothing");
    assertRefused(
        STAGES.replace(",\n  \"targets\": \"pixel\"", ""),
        "here: targets: expected latent or pixel, found nothing");
  }

  @Test
  void brokenJson_isRefusedWithItsPlace() {
    var error =
        assertThrows(
            CheckpointException.class, () -> RecordJson.STAGES.parse("{\n  \"rates\": [1,}", "x"));
    assertTrue(
        error.getMessage().startsWith("x: expected JSON at line 2, column "), error.getMessage());
    assertRefused("[1]", "here: expected a JSON object, found [1]");
    assertRefused("", "here: expected a JSON object, found nothing");
  }

  @Test
  void repeatedField_isRefused() {
    String text = STAGES.replace("  \"rates\"", "  \"target_scale\": \"global\",\n  \"rates\"");
    var error =
        assertThrows(CheckpointException.class, () -> RecordJson.STAGES.parse(text, "here"));
    assertTrue(error.getMessage().contains("Duplicate field 'target_scale'"), error.getMessage());
  }

  @Test
  void absentFile_isNamed() {
    Path file = folder.resolve("none.json");
    var error = assertThrows(CheckpointException.class, () -> RecordJson.STAGES.read(file));
    assertTrue(
        error.getMessage().startsWith(file + ": expected this file, found none"),
        error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tr-TR", "ar-EG-u-nu-arab", "de-DE", "th-TH-u-ca-buddhist-nu-thai"})
  void records_areWrittenAndReadAlikeInEveryLocale(String tag) {
    String description = RecordJson.PIPELINE.format(LinearVideoModel.description());
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag(tag));
      assertEquals(STAGES, RecordJson.STAGES.format(CONFIG));
      assertEquals(description, RecordJson.PIPELINE.format(LinearVideoModel.description()));
      assertEquals(
          FrameResampling.Upsampling.LINEAR,
          RecordJson.STAGES
              .parse(STAGES.replace("linear", "LINEAR"), "here")
              .resampling()
              .upsampling());
    } finally {
      Locale.setDefault(before);
    }
  }

  /** Every number of both records, in turn, replaced by what no model has. */
  @Test
  void hostileNumbers_areRefusedByField() {
    for (String text :
        List.of(STAGES, RecordJson.PIPELINE.format(LinearVideoModel.description()))) {
      Matcher number = Pattern.compile("-?[0-9.]+(?=,?\\n)").matcher(text);
      while (number.find()) {
        for (String hostile :
            List.of(
                "0",
                "-1",
                "1000000000",
                "2147483647",
                "9223372036854775808",
                "1e400",
                "NaN",
                "\"text\"",
                "[]",
                "{}",
                "null",
                "1e-320")) {
          String changed =
              text.substring(0, number.start()) + hostile + text.substring(number.end());
          try {
            (text.equals(STAGES) ? RecordJson.STAGES : RecordJson.PIPELINE).parse(changed, "here");
          } catch (CheckpointException refused) {
            assertTrue(refused.getMessage().startsWith("here: "), refused.getMessage());
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "max_length, 10000000",
    "channels, 1000000000",
    "spatial_factor, 1000000000",
    "size_multiple, 1073741824",
    "height, 1000000000",
    "frames, 1000000000",
    "steps, 1000000000"
  })
  void sizeThatNoMachineHolds_isRefusedByField(String field, String value) {
    String text =
        RecordJson.PIPELINE
            .format(LinearVideoModel.description())
            .replaceAll("\"" + field + "\": [0-9]+", "\"" + field + "\": " + value);
    var error =
        assertThrows(CheckpointException.class, () -> RecordJson.PIPELINE.parse(text, "here"));
    assertTrue(error.getMessage().contains("." + field + ": expected "), error.getMessage());
  }

  private static void assertRefused(String text, String message) {
    var error =
        assertThrows(CheckpointException.class, () -> RecordJson.STAGES.parse(text, "here"));
    assertEquals(message, error.getMessage());
  }
}
