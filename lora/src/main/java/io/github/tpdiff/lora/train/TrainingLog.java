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
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * The record of a training as {@code log.csv}: a row for each step with its loss, the loss of the
 * stages that it visited, their running means, the learning rate, the norm of the gradients, and
 * the validation's losses where there was one; a row 0 for the validation before the first step.
 *
 * <p>A resumed run keeps the rows up to its step and goes on, so that the file is that of a run
 * that was never stopped.
 */
final class TrainingLog implements RunLog {
  static final String FILE = "log.csv";

  private final List<Integer> stages;
  private final SmoothedLoss smoothed = new SmoothedLoss();
  private final FileChannel channel;
  private final Path file;
  private List<String> kept;

  private TrainingLog(Path file, List<Integer> stages, int step) throws IOException {
    this.file = file;
    this.stages = stages;
    kept = step == 0 ? List.of() : rowsUpTo(step);
    String text = header() + "\n" + String.join("", kept.stream().map(r -> r + "\n").toList());
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
    channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  /** Opens the log of a folder. */
  static TrainingLog open(Start start) {
    var numbers = new ArrayList<Integer>();
    for (int stage = start.stages(); stage >= 1; stage--) {
      numbers.add(stage);
    }
    Path file = start.folder().resolve(FILE);
    try {
      return new TrainingLog(file, numbers, start.step());
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

  /** Tells the rows that the run had written before it went on; once. */
  void replay(Consumer<LogRow> told) {
    List<String> rows = kept;
    kept = List.of();
    for (String row : rows) {
      LogRow earlier = parse(row.split(",", -1));
      smoothed.add(earlier.stageLosses());
      told.accept(earlier);
    }
  }

  private LogRow parse(String... fields) {
    int count = stages.size();
    return new LogRow(
        Integer.parseInt(fields[0]),
        number(fields, 1).orElse(0),
        number(fields, 2),
        byStage(fields, 3),
        byStage(fields, 3 + count),
        number(fields, 3 + 2 * count),
        number(fields, 4 + 2 * count),
        byStage(fields, 5 + 2 * count));
  }

  private Map<Integer, Double> byStage(String[] fields, int first) {
    var values = new LinkedHashMap<Integer, Double>();
    for (int i = 0; i < stages.size(); i++) {
      int stage = stages.get(i);
      number(fields, first + i).ifPresent(value -> values.put(stage, value));
    }
    return values;
  }

  private OptionalDouble number(String[] fields, int place) {
    String text = fields[place];
    try {
      return text.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(text));
    } catch (NumberFormatException notANumber) {
      throw new CheckpointException(
          "%s: row of step %s: expected a number, found '%s'; move the file away"
              .formatted(file, fields[0], text),
          notANumber);
    }
  }

  /** The running means, to which each step is added before its row is written. */
  SmoothedLoss smoothed() {
    return smoothed;
  }

  @Override
  public void row(LogRow row) {
    var fields = new ArrayList<String>();
    fields.add(Integer.toString(row.step()));
    fields.add(Double.toString(row.epoch()));
    fields.add(text(row.loss()));
    fields.addAll(columns(row.stageLosses()));
    fields.addAll(columns(row.smoothedLosses()));
    fields.add(text(row.learningRate()));
    fields.add(text(row.gradientNorm()));
    fields.addAll(columns(row.validation()));
    write(fields);
  }

  private static String text(OptionalDouble value) {
    return value.isPresent() ? Double.toString(value.getAsDouble()) : "";
  }

  private List<String> columns(Map<Integer, Double> byStage) {
    return stages.stream()
        .map(stage -> Optional.ofNullable(byStage.get(stage)).map(String::valueOf).orElse(""))
        .toList();
  }

  @Override
  public void force() {
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
