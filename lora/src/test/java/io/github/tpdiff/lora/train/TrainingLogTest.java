package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingLogTest {
  private static final LogRow VALIDATED = LogRow.started(Map.of(2, 0.5, 1, 0.25));
  private static final LogRow STEPPED =
      new LogRow(
          1,
          0.125,
          OptionalDouble.of(0.75),
          Map.of(2, 0.75),
          Map.of(2, 0.75),
          OptionalDouble.of(1e-4),
          OptionalDouble.of(3.5),
          Map.of());

  @TempDir private Path folder;

  private Path written(LogRow... rows) {
    try (var log = TrainingLog.open(new RunLog.Start(folder, 2, 10, 0))) {
      List.of(rows).forEach(log::row);
    }
    return folder.resolve(TrainingLog.FILE);
  }

  private static List<LogRow> read(Path file) {
    var rows = new ArrayList<LogRow>();
    TrainingLog.read(file, rows::add);
    return rows;
  }

  @Test
  void rows_areReadAsTheyWereWritten() {
    assertThat(read(written(VALIDATED, STEPPED))).containsExactly(VALIDATED, STEPPED);
  }

  @Test
  void aRowThatIsBeingWritten_isLeftOut() throws IOException {
    Path file = written(VALIDATED, STEPPED);
    // All its columns are there, but its last number may not be.
    Files.writeString(file, "2,0.25,0.7,,0.7,,0.7,1.0E-4,3.4,,0.1", StandardOpenOption.APPEND);
    assertThat(read(file)).containsExactly(VALIDATED, STEPPED);
  }

  @Test
  void whatIsNoLog_isRefused() throws IOException {
    Path other = Files.writeString(folder.resolve("other.csv"), "step,loss\n1,2\n");
    assertThatThrownBy(() -> read(other))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(other + ": expected the columns of a training's log, found 'step,loss'");
    Path absent = folder.resolve("absent.csv");
    assertThatThrownBy(() -> read(absent))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(absent + ": cannot be read: ");
  }
}
