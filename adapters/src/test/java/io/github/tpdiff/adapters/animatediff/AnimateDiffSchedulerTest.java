package io.github.tpdiff.adapters.animatediff;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.model.ModelRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnimateDiffSchedulerTest {
  @TempDir private Path folder;

  private AnimateDiffFolder folder(String config) throws IOException {
    Files.createDirectories(folder.resolve("scheduler"));
    Files.writeString(folder.resolve("scheduler/scheduler_config.json"), config);
    return new AnimateDiffFolder(new ModelRequest(folder, Map.of(), Map.of()));
  }

  /** Another schedule changes when the network is asked, not what it was trained to answer. */
  @ParameterizedTest
  @ValueSource(strings = {"PNDMScheduler", "DDIMScheduler"})
  void predictionTypeOfACheckpoint_staysInEveryOtherScheduler(String name) throws Exception {
    var checkpoint =
        folder("{\"_class_name\": \"" + name + "\", \"prediction_type\": \"v_prediction\"}");
    assertThat(checkpoint.scheduler())
        .containsEntry("_class_name", "DDIMScheduler")
        .containsEntry("prediction_type", "v_prediction");
    assertThat(checkpoint.schedulers()).hasSameSizeAs(AnimateDiffDefaults.SCHEDULERS);
    assertThat(checkpoint.schedulers().values())
        .allSatisfy(fields -> assertThat(fields).containsEntry("prediction_type", "v_prediction"));
  }

  @Test
  void checkpointThatDoesNotSay_predictsNoise() throws Exception {
    var checkpoint = folder("{\"_class_name\": \"PNDMScheduler\"}");
    assertThat(checkpoint.scheduler()).isEqualTo(AnimateDiffDefaults.SCHEDULER);
    assertThat(checkpoint.schedulers()).isEqualTo(AnimateDiffDefaults.SCHEDULERS);
  }
}
