package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The record of a training as {@code log.csv}: a row for each step with its loss, the loss of the
 * stages that it visited, their running means, the learning rate, the norm of the gradients, and
 * the validation's losses where there was one; a row 0 for the validation before the first step.
 *
 * <p>A resumed run keeps the rows up to its step and goes on, so that the file is that of a run
 * that was never stopped.
 */
final class TrainingLog implements AutoCloseable {
  static final String FILE = "log.csv";

  private final List<Integer> stages;
  private final SmoothedLoss smoothed = new SmoothedLoss();
  private final FileChannel channel;
  private final Path file;

  private TrainingLog(Path file, List<Integer> stages, int step) throws IOException {
    this.file = file;
    this.stages = stages;
    List<String> rows = step == 0 ? List.of() : rowsUpTo(step);
    rows.forEach(this::replay);
    String text = header() + "\n" + String.join("", rows.stream().map(r -> r + "\n").toList());
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
    channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  /**
   * Opens the log of a folder.
   *
   * @param stages their number
   * @param step from which the run goes on; 0 begins a new log
   */
  static TrainingLog open(Path folder, int stages, int step) {
    var numbers = new ArrayList<Integer>();
    for (int stage = stages; stage >= 1; stage--) {
      numbers.add(stage);
    }
    Path file = folder.resolve(FILE);
    try {
      return new TrainingLog(file, numbers, step);
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(file, AtomicFile.reason(failure)), failure);
    }
  }

  private String header() {
    var names = new ArrayList<String>(List.of("step", "epoch", "loss"));
    stages.forEach(stage -> names.add("loss_stage_" + stage));
    stages.forEach(stage -> names.add("smoothed_stage_" + stage));
    names.add("learning_rate");
    names.add("gradient_norm");
    stages.forEach(stage -> names.add("validation_stage_" + stage));
    return String.join(",", names);
  }

  /**
   * The rows that the run to be resumed had written by then; what a killed one tore is left out.
   */
  private List<String> rowsUpTo(int step) throws IOException {
    if (!Files.isRegularFile(file)) {
      return List.of();
    }
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    String whole = text.substring(0, text.lastIndexOf('\n') + 1);
    int columns = header().split(",", -1).length;
    var rows = new LinkedHashMap<Integer, String>();
    for (String line : whole.split("\r?\n", -1)) {
      String[] fields = line.split(",", -1);
      if (fields.length == columns && fields[0].matches("\\d{1,9}")) {
        rows.put(Integer.valueOf(fields[0]), line);
      }
    }
    return rows.entrySet().stream()
        .filter(row -> row.getKey() <= step)
        .sorted(Map.Entry.comparingByKey())
        .map(Map.Entry::getValue)
        .toList();
  }

  private void replay(String row) {
    String[] fields = row.split(",", -1);
    var losses = new LinkedHashMap<Integer, Double>();
    for (int i = 0; i < stages.size(); i++) {
      String loss = fields[3 + i];
      try {
        if (!loss.isEmpty()) {
          losses.put(stages.get(i), Double.valueOf(loss));
        }
      } catch (NumberFormatException notANumber) {
        throw new CheckpointException(
            "%s: row of step %s: expected a loss, found '%s'; move the file away"
                .formatted(file, fields[0], loss),
            notANumber);
      }
    }
    smoothed.add(losses);
  }

  /** The running means, to which each step is added before its row is written. */
  SmoothedLoss smoothed() {
    return smoothed;
  }

  /** Writes row 0: the validation before the first step. */
  void started(Map<Integer, Double> validation) {
    var row = new ArrayList<String>(List.of("0", "0.0", ""));
    row.addAll(columns(Map.of()));
    row.addAll(columns(Map.of()));
    row.addAll(List.of("", ""));
    row.addAll(columns(validation));
    write(row);
  }

  /**
   * Writes the row of a step.
   *
   * @param validation after it; empty where there was none
   */
  void stepped(TrainingProgress progress, Map<Integer, Double> validation) {
    var row = new ArrayList<String>();
    row.add(Integer.toString(progress.step()));
    row.add(Double.toString(progress.epoch()));
    row.add(Double.toString(progress.loss()));
    row.addAll(columns(progress.stageLosses()));
    row.addAll(columns(progress.smoothedLosses()));
    row.add(Double.toString(progress.learningRate()));
    row.add(Double.toString(progress.gradientNorm()));
    row.addAll(columns(validation));
    write(row);
  }

  private List<String> columns(Map<Integer, Double> byStage) {
    return stages.stream()
        .map(stage -> Optional.ofNullable(byStage.get(stage)).map(String::valueOf).orElse(""))
        .toList();
  }

  /** Forces the rows to disk, before the state that they belong to. */
  void force() {
    try {
      channel.force(false);
    } catch (IOException failure) {
      throw failure(failure);
    }
  }

  private CheckpointException failure(IOException failure) {
    return new CheckpointException(
        "%s: cannot be written: %s".formatted(file, AtomicFile.reason(failure)), failure);
  }

  private void write(List<String> row) {
    try {
      ByteBuffer bytes =
          ByteBuffer.wrap((String.join(",", row) + "\n").getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException failure) {
      throw failure(failure);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw failure(failure);
    }
  }
}
