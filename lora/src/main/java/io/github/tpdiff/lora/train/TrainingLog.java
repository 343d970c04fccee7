package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The record of a training as {@code log.csv}: a row for each step with its loss, the loss of the
 * stages that it visited, their running means, the learning rate, the norm of the gradients, and
 * the validation's losses where there was one; a row 0 for the validation before the first step.
 *
 * <p>A resumed run keeps the rows up to its step and goes on, so that the file is that of a run
 * that was never stopped.
 */
public final class TrainingLog implements RunLog {
  /** Name of the file in the output folder. */
  public static final String FILE = "log.csv";

  private static final String STAGE = "loss_stage_";

  /** Of a line; those of nine stages have less. */
  private static final int MOST_CHARACTERS = 10_000;

  private final List<Integer> stages;
  private final Columns columns;
  private final SmoothedLoss smoothed = new SmoothedLoss();
  private final FileChannel channel;
  private final Path file;
  private List<String> kept;

  private TrainingLog(Path file, List<Integer> stages, int step) throws IOException {
    this.file = file;
    this.stages = stages;
    columns = new Columns(file, stages);
    kept = step == 0 ? List.of() : rowsUpTo(step);
    String text =
        header(stages) + "\n" + String.join("", kept.stream().map(r -> r + "\n").toList());
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

  /**
   * Tells the rows of a log in their order, also while it is being written.
   *
   * @param file of that name, or a copy
   * @throws CheckpointException if it cannot be read or is none
   */
  public static void read(Path file, Consumer<LogRow> told) {
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      String first = wholeLine(reader).orElse("");
      List<Integer> stages = stages(first);
      if (!first.equals(header(stages))) {
        throw new CheckpointException(
            "%s: expected the columns of a training's log, found '%s'"
                .formatted(file, first.substring(0, Math.min(60, first.length()))));
      }
      var columns = new Columns(file, stages);
      for (var line = wholeLine(reader); line.isPresent(); line = wholeLine(reader)) {
        columns.row(line.get()).ifPresent(told);
      }
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(file, AtomicFile.reason(failure)), failure);
    }
  }

  /** The next line; none if it has no end, as one that a killed run tore or that is not written. */
  private static Optional<String> wholeLine(Reader reader) throws IOException {
    var line = new StringBuilder();
    for (int c = reader.read(); c >= 0 && line.length() <= MOST_CHARACTERS; c = reader.read()) {
      if (c == '\n') {
        return Optional.of(line.toString().replace("\r", ""));
      }
      line.append((char) c);
    }
    return Optional.empty();
  }

  private static List<Integer> stages(String header) {
    return Arrays.stream(header.split(",", -1))
        .filter(name -> name.matches(STAGE + "\\d"))
        .map(name -> Integer.valueOf(name.substring(STAGE.length())))
        .toList();
  }

  private static String header(List<Integer> stages) {
    var names = new ArrayList<String>(List.of("step", "epoch", "loss"));
    stages.forEach(stage -> names.add(STAGE + stage));
    stages.forEach(stage -> names.add("smoothed_stage_" + stage));
    names.add("learning_rate");
    names.add("gradient_norm");
    stages.forEach(stage -> names.add("validation_stage_" + stage));
    return String.join(",", names);
  }

  /** The rows that the run to be resumed had written by then. */
  private List<String> rowsUpTo(int step) throws IOException {
    if (!Files.isRegularFile(file)) {
      return List.of();
    }
    var rows = new TreeMap<Integer, String>();
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      for (var line = wholeLine(reader); line.isPresent(); line = wholeLine(reader)) {
        String row = line.get();
        columns.step(row).ifPresent(number -> rows.put(number, row));
      }
    }
    return List.copyOf(rows.headMap(step, true).values());
  }

  /** Tells the rows that the run had written before it went on; once. */
  void replay(Consumer<LogRow> told) {
    List<String> rows = kept;
    kept = List.of();
    for (String row : rows) {
      LogRow earlier = columns.row(row).orElseThrow();
      smoothed.add(earlier.stageLosses());
      told.accept(earlier);
    }
  }

  /** What the columns of a file mean, whose stages are in this order. */
  private record Columns(Path file, List<Integer> stages) {
    /** The step of a row, if it is one. */
    OptionalInt step(String line) {
      String[] fields = line.split(",", -1);
      return fields.length == header(stages).split(",", -1).length && fields[0].matches("\\d{1,9}")
          ? OptionalInt.of(Integer.parseInt(fields[0]))
          : OptionalInt.empty();
    }

    /** A row, if it is one. */
    Optional<LogRow> row(String line) {
      return step(line).isPresent() ? Optional.of(parse(line.split(",", -1))) : Optional.empty();
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
        return text.isEmpty()
            ? OptionalDouble.empty()
            : OptionalDouble.of(Double.parseDouble(text));
      } catch (NumberFormatException notANumber) {
        throw new CheckpointException(
            "%s: row of step %s: expected a number, found '%s'; move the file away"
                .formatted(file, fields[0], text),
            notANumber);
      }
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
