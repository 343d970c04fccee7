package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.optim.AdamW;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run that was made when the trainer knew AdamW alone: its log of seven steps, its state after
 * the third. What is drawn, computed and read today has to be what it was then.
 */
final class EarlierStateTest {
  private static final Path RUN = Path.of("src/test/resources/earlier-state");

  /** Of the last bits of exp and log, which may differ between machines. */
  private static final double SAME = 1e-6;

  @TempDir private Path folder;

  @BeforeEach
  void copyTheRun() throws IOException {
    Path state = Path.of("states/step-00000003/state.safetensors");
    Files.createDirectories(folder.resolve(state).getParent());
    Files.copy(RUN.resolve(state), folder.resolve(state));
    List<String> rows = Files.readAllLines(RUN.resolve("log.csv"));
    Files.write(folder.resolve("log.csv"), rows.subList(0, 1 + 3));
  }

  private TrainingRun run(Path place, Start start) {
    var network = TinyNetwork.network();
    var injection =
        LoraInjection.inject(network.program(), LoraConfig.of(1, 1, List.of("to_q", "to_k")));
    var schedule =
        Scheduler.fromConfig(Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
            .schedule();
    var settings =
        new TrainingSettings(
            11,
            7,
            new Batches(2, 2),
            new Descent(
                AdamW.DEFAULT,
                new LearningRate(0.05, 2, LearningRate.Decay.COSINE, 7),
                OptionalDouble.of(1)),
            Dropout.ofCaptions(0.3),
            Activations.RECOMPUTED);
    return TrainingRun.inMemory(
            TrainingTarget.lora(
                injection, network.weights(), injection.freshParameters(5, network.weights())),
            MemorySet.of(3, 5).and(MemorySet.of(2, 3)),
            PhasedDiffusion.of(StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()), schedule)
                .withAlignment(Alignment.window(4)),
            settings)
        .identifiedBy(Map.of("train.seed", "11"))
        .savedIn(new StateFolder(place, 3, 9, (file, snapshot) -> {}), start);
  }

  private static void assertSameLog(Path found) throws IOException {
    List<String> expected = Files.readAllLines(RUN.resolve("log.csv"));
    List<String> rows = Files.readAllLines(found);
    assertThat(rows).hasSameSizeAs(expected).startsWith(expected.get(0));
    for (int i = 1; i < rows.size(); i++) {
      List<Double> then = numbers(expected.get(i));
      List<Double> now = numbers(rows.get(i));
      assertThat(now).as(rows.get(i)).hasSameSizeAs(then);
      for (int j = 0; j < then.size(); j++) {
        assertThat(now.get(j)).as(rows.get(i)).isCloseTo(then.get(j), within(SAME));
      }
    }
  }

  /** The fields of a row; -1, which no field is, where one is empty. */
  private static List<Double> numbers(String row) {
    return Arrays.stream(row.split(",", -1))
        .map(field -> field.isEmpty() ? -1 : Double.parseDouble(field))
        .toList();
  }

  @Test
  void runFromTheStart_drawsAndStepsAsItDid() throws IOException {
    Path place = folder.resolve("again");
    Trainer.train(run(place, Start.FRESH), new FiniteDifferences(), new TrainingListener() {});
    assertSameLog(place.resolve("log.csv"));
    TrainingRun now = run(folder, Start.RESUME);
    Path file = place.resolve("states/step-00000003/state.safetensors");
    var state = TrainingState.read(file, now.target().parameters(), now.identity("fp32"));
    Path then = RUN.resolve("states/step-00000003/state.safetensors");
    var earlier = TrainingState.read(then, now.target().parameters(), now.identity("fp32"));
    assertThat(state.parameters().keySet()).isEqualTo(earlier.parameters().keySet());
    for (String name : earlier.parameters().keySet()) {
      assertThat(Parameter.require(state.parameters(), name).values())
          .containsExactly(Parameter.require(earlier.parameters(), name).values(), offset());
    }
    assertThat(state.optimizer().names()).isEqualTo(earlier.optimizer().names()).hasSize(8);
    for (String name : earlier.optimizer().names()) {
      assertThat(state.optimizer().floats(name))
          .containsExactly(earlier.optimizer().floats(name), offset());
    }
  }

  private static org.assertj.core.data.Offset<Float> offset() {
    return org.assertj.core.data.Offset.offset((float) SAME);
  }

  @Test
  void itsState_isResumedToTheSameEnd() throws IOException {
    var from = new ArrayList<Path>();
    var steps = new ArrayList<Integer>();
    Trainer.train(
        run(folder, Start.RESUME),
        new FiniteDifferences(),
        new TrainingListener() {
          @Override
          public void resumed(Path state, List<String> damaged) {
            from.add(state);
          }

          @Override
          public void stepped(TrainingProgress progress) {
            steps.add(progress.step());
          }
        });
    assertThat(from).hasSize(1);
    assertThat(steps).containsExactly(4, 5, 6, 7);
    assertSameLog(folder.resolve("log.csv"));
  }
}
