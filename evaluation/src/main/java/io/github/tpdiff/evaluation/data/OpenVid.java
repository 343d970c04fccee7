package io.github.tpdiff.evaluation.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.CsvRows;
import io.github.tpdiff.weights.CheckpointException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The CSV of OpenVid-1M (Nan et al. 2024, arXiv 2407.02371; {@code OpenVid-1M.csv} and {@code
 * OpenVidHD.csv} of {@code nkp37/OpenVid-1M}): a row for each clip with its caption and its scores,
 * which are filters here. Read row by row.
 *
 * @param origin the CSV
 * @param ranges what columns have to be within, in the order in which they are asked
 * @param cameraMotions kinds of camera motion that are taken; all if it is empty
 */
public record OpenVid(Path origin, Map<Column, NumberRange> ranges, Set<String> cameraMotions)
    implements ClipSource {
  private static final String VIDEO = "video";
  private static final String CAPTION = "caption";
  private static final String CAMERA = "camera motion";

  /** Columns of numbers. */
  public enum Column {
    AESTHETIC("aesthetic score"),
    MOTION("motion score"),
    CONSISTENCY("temporal consistency score"),
    FRAMES("frame"),
    FPS("fps"),
    SECONDS("seconds");

    private final String header;

    Column(String header) {
      this.header = header;
    }

    /** As the CSV's header has it. */
    public String header() {
      return header;
    }
  }

  public OpenVid {
    ranges = Collections.unmodifiableMap(new LinkedHashMap<>(ranges));
    cameraMotions = Collections.unmodifiableSet(new TreeSet<>(cameraMotions));
    checkArgument(
        cameraMotions.stream().noneMatch(String::isBlank), "camera motion: expected a word");
  }

  @Override
  public Map<String, String> rules() {
    var rules = new LinkedHashMap<String, String>();
    ranges.forEach((column, range) -> rules.put(column.header(), range.toString()));
    if (!cameraMotions.isEmpty()) {
      rules.put(CAMERA, String.join(", ", cameraMotions));
    }
    return rules;
  }

  @Override
  public void read(Sink sink) throws IOException {
    var decoder = StandardCharsets.UTF_8.newDecoder(); // which reports what is no UTF-8
    int line = 1;
    try (var text =
        new BufferedReader(new InputStreamReader(Files.newInputStream(origin), decoder))) {
      var rows = new CsvRows(text);
      Optional<CsvRows.Row> header = rows.next();
      Header columns =
          header(header.orElseThrow(() -> wrong(1, "expected a header, found nothing")));
      for (var row = rows.next(); row.isPresent(); row = rows.next()) {
        line = row.get().line();
        read(columns, row.get(), sink);
      }
    } catch (CsvRows.MalformedException broken) {
      throw wrong(broken.line(), String.valueOf(broken.getMessage()));
    } catch (CharacterCodingException notText) {
      throw wrong(line, "expected text in UTF-8 in or after this line");
    }
  }

  private CheckpointException wrong(int line, String what) {
    return new CheckpointException("%s: line %d: %s".formatted(origin, line, what));
  }

  /** Where each column is. */
  private record Header(Map<String, Integer> places, int size) {
    String field(CsvRows.Row row, String name) {
      return row.fields().get(places.getOrDefault(name, 0)).strip();
    }
  }

  private Header header(CsvRows.Row row) {
    var places = new TreeMap<String, Integer>();
    List<String> names = row.fields();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i).strip().toLowerCase(Locale.ROOT);
      places.putIfAbsent(i == 0 && name.startsWith("\ufeff") ? name.substring(1) : name, i);
    }
    var needed = new TreeSet<>(rules().keySet());
    needed.addAll(List.of(VIDEO, CAPTION));
    for (String name : needed) {
      if (!places.containsKey(name)) {
        throw wrong(
            row.line(),
            "expected a column '%s', as OpenVid-1M has it, found '%s'"
                .formatted(name, String.join("', '", names)));
      }
    }
    return new Header(places, names.size());
  }

  private void read(Header columns, CsvRows.Row row, Sink sink) throws IOException {
    if (row.fields().size() != columns.size()) {
      throw wrong(
          row.line(),
          "expected %d columns, found %d".formatted(columns.size(), row.fields().size()));
    }
    Optional<String> broken = firstBroken(columns, row);
    if (broken.isPresent()) {
      sink.drop(broken.get());
      return;
    }
    var facts = new LinkedHashMap<String, Object>();
    for (Column column : Column.values()) {
      if (columns.places().containsKey(column.header())) {
        double value = number(columns.field(row, column.header()));
        if (Double.isFinite(value)) {
          facts.put(column.header(), value);
        }
      }
    }
    sink.take(new Candidate(columns.field(row, VIDEO), columns.field(row, CAPTION), facts));
  }

  private Optional<String> firstBroken(Header columns, CsvRows.Row row) {
    if (columns.field(row, CAPTION).isEmpty()) {
      return Optional.of("caption: expected one");
    }
    for (var rule : ranges.entrySet()) {
      double value = number(columns.field(row, rule.getKey().header()));
      if (Double.isNaN(value)) {
        return Optional.of(rule.getKey().header() + ": expected a number");
      }
      if (!rule.getValue().holds(value)) {
        return Optional.of(rule.getKey().header() + ": expected " + rule.getValue());
      }
    }
    if (!cameraMotions.isEmpty() && !cameraMotions.contains(columns.field(row, CAMERA))) {
      return Optional.of(CAMERA + ": expected " + String.join(", ", cameraMotions));
    }
    return Optional.empty();
  }

  /** Not a number where a text is none. */
  private static double number(String text) {
    try {
      double value = Double.parseDouble(text);
      return Double.isFinite(value) ? value : Double.NaN;
    } catch (NumberFormatException none) {
      return Double.NaN;
    }
  }
}
