package io.github.tpdiff.lora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A list of videos and captions; every error names the file and a line of it. */
final class ListFile {
  /** A line for each of millions of clips. */
  private static final long MOST_BYTES = 256L << 20;

  /** What else separates columns where commas should. */
  private static final List<String> OTHER_SEPARATORS = List.of(";", "\t", "|");

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private final Path file;

  private ListFile(Path file) {
    this.file = file;
  }

  /**
   * Reads an object a line.
   *
   * @throws CheckpointException if a line is no object that names a video
   */
  static List<SourceVideo> jsonLines(Path file) throws IOException {
    var list = new ListFile(file);
    var videos = new ArrayList<SourceVideo>();
    List<String> lines = list.text().lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        videos.add(list.jsonLine(i + 1, lines.get(i)));
      }
    }
    return videos;
  }

  /**
   * Reads a header and a row for each video.
   *
   * @throws CheckpointException if the header lacks a column or a row does not have the header's
   */
  static List<SourceVideo> csv(Path file) throws IOException {
    var list = new ListFile(file);
    List<CsvRows.Row> rows;
    try {
      rows = CsvRows.read(list.text());
    } catch (CsvRows.MalformedException broken) {
      throw list.wrong(broken.line(), String.valueOf(broken.getMessage()));
    }
    return rows.isEmpty() ? List.of() : list.rows(rows.get(0), rows.subList(1, rows.size()));
  }

  private String text() throws IOException {
    try {
      return Utf8File.read(file, MOST_BYTES);
    } catch (Utf8File.MalformedException notText) {
      throw new CheckpointException(String.valueOf(notText.getMessage()), notText);
    }
  }

  private CheckpointException wrong(int line, String what) {
    return new CheckpointException("%s: line %d: %s".formatted(file, line, what));
  }

  private SourceVideo jsonLine(int line, String text) {
    JsonNode entry;
    try {
      entry = JSON.readTree(text);
    } catch (JsonProcessingException broken) {
      throw wrong(line, "expected a JSON object: " + broken.getOriginalMessage());
    }
    if (!entry.isObject()) {
      throw wrong(line, "expected a JSON object, found " + entry.getNodeType());
    }
    var names = new ArrayList<String>();
    entry.fieldNames().forEachRemaining(names::add);
    String video =
        ListFields.VIDEO
            .find(names)
            .orElseThrow(() -> wrong(line, missing(ListFields.VIDEO, "field", names)));
    Optional<String> caption = ListFields.CAPTION.find(names).filter(n -> !entry.get(n).isNull());
    Optional<String> picture = ListFields.PICTURE.find(names).filter(n -> !entry.get(n).isNull());
    return video(
        line,
        string(line, video, entry),
        caption.map(n -> string(line, n, entry)).orElse(""),
        picture.map(n -> string(line, n, entry)).orElse(""));
  }

  private String string(int line, String name, JsonNode entry) {
    JsonNode value = entry.get(name);
    if (!value.isTextual()) {
      throw wrong(
          line, "field '%s': expected a string, found %s".formatted(name, value.getNodeType()));
    }
    return value.textValue();
  }

  private static String missing(ListFields wanted, String kind, List<String> found) {
    return "expected a %s %s, found %s"
        .formatted(
            kind,
            wanted.words(),
            found.isEmpty() ? "none" : "the " + kind + "s '" + String.join("', '", found) + "'");
  }

  private List<SourceVideo> rows(CsvRows.Row header, List<CsvRows.Row> rows) {
    int video = column(header, ListFields.VIDEO);
    int caption = column(header, ListFields.CAPTION);
    Optional<Integer> picture =
        ListFields.PICTURE.find(header.fields()).map(name -> column(header, ListFields.PICTURE));
    var videos = new ArrayList<SourceVideo>();
    for (CsvRows.Row row : rows) {
      List<String> fields = row.fields();
      int expected = header.fields().size();
      if (fields.size() != expected) {
        throw wrong(
            row.line(),
            "expected %d columns ('%s'), found %d%s"
                .formatted(
                    expected,
                    String.join("', '", header.fields()),
                    fields.size(),
                    fields.size() > expected ? "; put a caption with commas in quotes" : ""));
      }
      videos.add(
          video(
              row.line(),
              fields.get(video),
              fields.get(caption),
              picture.map(fields::get).orElse("")));
    }
    return videos;
  }

  private int column(CsvRows.Row header, ListFields wanted) {
    List<String> names = header.fields();
    Optional<String> name = wanted.find(names);
    if (name.isEmpty()) {
      String separator = names.size() > 1 ? "" : otherSeparator(names.get(0));
      throw wrong(
          header.line(),
          separator.isEmpty()
              ? missing(wanted, "column", names)
              : "expected columns separated by commas, found '%s' between them: %s"
                  .formatted(separator.equals("\t") ? "tab" : separator, names.get(0)));
    }
    if (names.indexOf(name.get()) != names.lastIndexOf(name.get())) {
      throw wrong(header.line(), "expected one column '%s', found two".formatted(name.get()));
    }
    return names.indexOf(name.get());
  }

  private static String otherSeparator(String header) {
    return OTHER_SEPARATORS.stream().filter(header::contains).findFirst().orElse("");
  }

  private SourceVideo video(int line, String path, String caption, String picture) {
    if (path.isBlank()) {
      throw wrong(line, "expected a video's path, found none");
    }
    return new SourceVideo(
        path(line, "a video's", path),
        Optional.of(caption.strip()).filter(c -> !c.isEmpty()),
        Optional.of(picture).filter(p -> !p.isBlank()).map(p -> path(line, "a picture's", p)));
  }

  private Path path(int line, String whose, String path) {
    try {
      return file.resolveSibling(path);
    } catch (InvalidPathException impossible) {
      throw wrong(
          line,
          "expected %s path, found one with a fault: %s".formatted(whose, impossible.getReason()));
    }
  }
}
