package io.github.tpdiff.runtime.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordJsonTest {
  private static final String STAGES =
      """
      {
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
        "target_scale": "stage"
      }""";

  private static final StageConfig CONFIG =
      new StageConfig(
          List.of(4, 2),
          List.of(0.75, 0.5),
          List.of(1, 1, 2),
          new FrameResampling(
              FrameResampling.Downsampling.MEAN,
              FrameResampling.Upsampling.LINEAR,
              FrameResampling.FirstFrame.SHARED),
          StageConfig.TargetScale.STAGE);

  @TempDir Path folder;

  @Test
  void stages_areWrittenInSnakeCase() {
    assertEquals(STAGES, RecordJson.STAGES.format(CONFIG));
  }

  @Test
  void stages_areReadBack() {
    assertEquals(CONFIG, RecordJson.STAGES.parse(STAGES, "here"));
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
        "4,| 4.5,| here: rates[0]: expected an integer, found 4.5",
        "4,| \"4\",| here: rates[0]: expected an integer, found \"4\"",
        "0.75,| true,| here: boundaries[0]: expected a number, found true",
        "0.75,| 1.75,|"
            + " here: stages.boundaries: must fall and lie in (0, 1), found [1.75, 0.5]",
      })
  void wrongStages_areRefusedInOneLine(String found, String replacement, String message) {
    assertTrue(STAGES.contains(found), found);
    assertRefused(STAGES.replace(found, replacement), message);
  }

  @Test
  void missingField_isNamed() {
    String text = STAGES.replace(",\n    \"first_frame\": \"shared\"", "");
    assertRefused(text, "here: resampling.first_frame: expected shared or grouped, found nothing");
    String without = STAGES.replace(",\n  \"target_scale\": \"stage\"", "");
    assertRefused(without, "here: target_scale: expected global or stage, found nothing");
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
    String text =
        STAGES.replace("{\n  \"rates\"", "{\n  \"target_scale\": \"global\",\n  \"rates\"");
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

  private static void assertRefused(String text, String message) {
    var error =
        assertThrows(CheckpointException.class, () -> RecordJson.STAGES.parse(text, "here"));
    assertEquals(message, error.getMessage());
  }
}
