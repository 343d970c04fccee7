package io.github.tpdiff.lora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.StringReader;
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

  /** Reads a list of the kind that the ending of its name says; empty for other endings. */
  static Optional<List<SourceVideo>> read(Path file) throws IOException {
    return switch (SourceFolder.ending(file)) {
      case "jsonl" -> Optional.of(jsonLines(file));
      case "json" -> Optional.of(json(file));
      case "csv" -> Optional.of(csv(file));
      default -> Optional.empty();
    };
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
   * Reads an array of objects.
   *
   * @throws CheckpointException if it is none, or one of them names no video
   */
  static List<SourceVideo> json(Path file) throws IOException {
    var list = new ListFile(file);
    JsonNode entries;
    try {
      entries = JSON.readTree(list.text());
    } catch (JsonProcessingException broken) {
      int line = broken.getLocation() == null ? 1 : broken.getLocation().getLineNr();
      throw list.wrong(line, "expected a JSON array: " + broken.getOriginalMessage());
    }
    if (!entries.isArray()) {
      throw list.wrong(1, "expected a JSON array of objects, found " + entries.getNodeType());
    }
    var videos = new ArrayList<SourceVideo>();
    for (JsonNode entry : entries) {
      videos.add(list.entry("entry " + (videos.size() + 1), entry));
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
    var rows = new ArrayList<CsvRows.Row>();
    try {
      var text = new CsvRows(new StringReader(list.text()));
      for (var row = text.next(); row.isPresent(); row = text.next()) {
        rows.add(row.get());
      }
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
    return wrong("line " + line, what);
  }

  private CheckpointException wrong(String place, String what) {
    return new CheckpointException("%s: %s: %s".formatted(file, place, what));
  }

  private SourceVideo jsonLine(int line, String text) {
    try {
      return entry("line " + line, JSON.readTree(text));
    } catch (JsonProcessingException broken) {
      throw wrong(line, "expected a JSON object: " + broken.getOriginalMessage());
    }
  }

  private SourceVideo entry(String place, JsonNode entry) {
    if (!entry.isObject()) {
      throw wrong(place, "expected a JSON object, found " + entry.getNodeType());
    }
    var names = new ArrayList<String>();
    entry.fieldNames().forEachRemaining(names::add);
    Optional<String> caption = ListFields.CAPTION.find(names).filter(n -> !entry.get(n).isNull());
    Optional<String> picture = ListFields.PICTURE.find(names).filter(n -> !entry.get(n).isNull());
    Optional<String> video = ListFields.VIDEO.find(names);
    if (video.isEmpty() && picture.isEmpty()) {
      throw wrong(place, missing(ListFields.VIDEO, "field", names));
    }
    return video(
        place,
        string(place, video.or(() -> picture).orElseThrow(), entry),
        caption.map(n -> string(place, n, entry)).orElse(""),
        picture.filter(n -> video.isPresent()).map(n -> string(place, n, entry)).orElse(""));
  }

  private String string(String place, String name, JsonNode entry) {
    JsonNode value = entry.get(name);
    if (!value.isTextual()) {
      throw wrong(
          place, "field '%s': expected a string, found %s".formatted(name, value.getNodeType()));
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
    boolean isOfPictures =
        ListFields.VIDEO.find(header.fields()).isEmpty()
            && ListFields.PICTURE.find(header.fields()).isPresent();
    int video = column(header, isOfPictures ? ListFields.PICTURE : ListFields.VIDEO);
    int caption = column(header, ListFields.CAPTION);
    Optional<Integer> picture =
        ListFields.PICTURE
            .find(header.fields())
            .filter(name -> !isOfPictures)
            .map(name -> column(header, ListFields.PICTURE));
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
              "line " + row.line(),
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

  private SourceVideo video(String line, String path, String caption, String picture) {
    if (path.isBlank()) {
      throw wrong(line, "expected a video's path, found none");
    }
    return new SourceVideo(
        path(line, "a video's", path),
        Optional.of(caption.strip()).filter(c -> !c.isEmpty()),
        Optional.of(picture).filter(p -> !p.isBlank()).map(p -> path(line, "a picture's", p)));
  }

  private Path path(String line, String whose, String path) {
    try {
      return file.resolveSibling(path);
    } catch (InvalidPathException impossible) {
      throw wrong(
          line,
          "expected %s path, found one with a fault: %s".formatted(whose, impossible.getReason()));
    }
  }
}
