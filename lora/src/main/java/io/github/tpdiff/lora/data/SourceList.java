package io.github.tpdiff.lora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Finds videos and captions: a folder of videos, each with a {@code .txt} of the same name; a
 * {@code .jsonl} with an object a line; or a {@code .csv} with a header. Lists have the fields
 * {@code video} (relative to the list) and {@code caption}.
 */
public final class SourceList {
  private static final Set<String> VIDEOS =
      Set.of("mp4", "mov", "mkv", "webm", "avi", "m4v", "gif", "mpg", "mpeg", "ts", "wmv", "flv");

  private static final String VIDEO = "video";
  private static final String CAPTION = "caption";

  private SourceList() {}

  /**
   * Reads a folder or list, in order of name or line.
   *
   * @throws CheckpointException if there is nothing there or a line cannot be read, naming it
   */
  public static List<SourceVideo> read(Path source) {
    if (!Files.exists(source)) {
      throw new CheckpointException(
          "data.path: %s: expected a folder of videos, a .jsonl or a .csv list, found nothing"
              .formatted(source));
    }
    try {
      List<SourceVideo> videos;
      if (Files.isDirectory(source)) {
        videos = folder(source);
      } else {
        videos =
            switch (extension(source)) {
              case "jsonl" -> jsonLines(source);
              case "csv" -> csv(source);
              default ->
                  throw new CheckpointException(
                      "data.path: %s: expected a folder of videos, a .jsonl or a .csv list"
                          .formatted(source));
            };
      }
      if (videos.isEmpty()) {
        throw new CheckpointException(
            "data.path: %s: expected videos (%s), found none"
                .formatted(source, String.join(", ", VIDEOS.stream().sorted().toList())));
      }
      return videos;
    } catch (JsonProcessingException broken) {
      throw new CheckpointException(
          "%s: line %d: %s"
              .formatted(
                  source,
                  broken.getLocation() == null ? 0 : broken.getLocation().getLineNr(),
                  broken.getOriginalMessage()),
          broken);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(source, failure), failure);
    }
  }

  private static String extension(Path file) {
    String name = file.getFileName().toString();
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }

  private static List<SourceVideo> folder(Path folder) throws IOException {
    var videos = new ArrayList<SourceVideo>();
    try (var files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        if (VIDEOS.contains(extension(file))) {
          videos.add(new SourceVideo(file, captionBeside(file)));
        }
      }
    }
    return videos;
  }

  private static Optional<String> captionBeside(Path video) throws IOException {
    String name = video.getFileName().toString();
    Path text = video.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ".txt");
    if (!Files.isRegularFile(text)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Files.readString(text).strip()).filter(caption -> !caption.isEmpty());
    } catch (CharacterCodingException notUtf8) {
      return Optional.empty();
    }
  }

  private static List<SourceVideo> jsonLines(Path list) throws IOException {
    var mapper = new ObjectMapper();
    var videos = new ArrayList<SourceVideo>();
    List<String> lines = Files.readAllLines(list);
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        JsonNode entry;
        try {
          entry = mapper.readTree(lines.get(i));
        } catch (JsonProcessingException broken) {
          throw new CheckpointException(
              "%s: line %d: expected a JSON object: %s"
                  .formatted(list, i + 1, broken.getOriginalMessage()),
              broken);
        }
        videos.add(entry(list, i + 1, entry));
      }
    }
    return videos;
  }

  private static List<SourceVideo> csv(Path list) throws IOException {
    var videos = new ArrayList<SourceVideo>();
    try (MappingIterator<JsonNode> rows =
        new CsvMapper()
            .readerFor(JsonNode.class)
            .with(CsvSchema.emptySchema().withHeader())
            .readValues(list.toFile())) {
      while (rows.hasNext()) {
        JsonNode row = rows.next();
        videos.add(entry(list, rows.getCurrentLocation().getLineNr(), row));
      }
    }
    return videos;
  }

  private static SourceVideo entry(Path list, int line, JsonNode entry) {
    if (!entry.path(VIDEO).isTextual() || entry.path(VIDEO).asText().isBlank()) {
      throw new CheckpointException(
          "%s: line %d: expected the fields '%s' and '%s', found %s"
              .formatted(list, line, VIDEO, CAPTION, entry));
    }
    Path video = list.resolveSibling(entry.get(VIDEO).asText());
    return new SourceVideo(
        video,
        Optional.of(entry.path(CAPTION).asText("").strip()).filter(caption -> !caption.isEmpty()));
  }
}
