package io.github.tpdiff.evaluation.shapes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A data set of moving shapes as a folder that is trained on as it is: {@code 000000.mp4} and so
 * on, and {@code metadata.jsonl}, a line for each with its caption and its truth.
 *
 * @param path of the folder
 * @param set what is in it
 */
public record ShapeFolder(Path path, ShapeSet set) {
  /** Name of the file of captions and truth. */
  public static final String METADATA = "metadata.jsonl";

  /** Name of the file that says which set it is. */
  public static final String SET = "shapes.json";

  private static final JsonMapper JSON = new JsonMapper();

  /** Is told how many clips there are, from several threads, one at a time. */
  @FunctionalInterface
  public interface Listener {
    void written(int done, int total);
  }

  /**
   * Writes what of the set is not there yet, on all cores; stopped at any time, it goes on where it
   * was.
   *
   * @return how many clips were written
   * @throws CheckpointException if the folder holds another set
   */
  public int write(Listener listener) {
    claim();
    var done = new AtomicInteger();
    var written = new AtomicInteger();
    IntStream.range(0, set.clips())
        .parallel()
        .forEach(
            clip -> {
              written.addAndGet(writeMissing(clip) ? 1 : 0);
              synchronized (listener) {
                listener.written(done.incrementAndGet(), set.clips());
              }
            });
    String lines =
        IntStream.range(0, set.clips())
            .mapToObj(clip -> json(line(clip)) + "\n")
            .collect(Collectors.joining());
    AtomicFile.write(path.resolve(METADATA), lines.getBytes(StandardCharsets.UTF_8));
    return written.get();
  }

  /** Makes the folder this set's, or finds that it is. */
  private void claim() {
    Path file = path.resolve(SET);
    byte[] own = (json(set) + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      if (!Files.exists(file)) {
        requireEmpty();
        AtomicFile.write(file, own);
        return;
      }
      ShapeSet found = JSON.readValue(Files.readAllBytes(file), ShapeSet.class);
      if (!found.equals(set)) {
        throw new CheckpointException(
            "%s: expected clips of %s, found those of %s; name another folder"
                .formatted(file, set, found));
      }
    } catch (JsonProcessingException broken) {
      throw new CheckpointException(
          "%s: expected the description of a set of shapes: %s"
              .formatted(file, broken.getOriginalMessage()),
          broken);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void requireEmpty() throws IOException {
    if (!Files.isDirectory(path)) {
      return;
    }
    try (var entries = Files.list(path)) {
      if (entries.findAny().isPresent()) {
        throw new CheckpointException(
            "%s: expected a new or empty folder, or one with %s, found other files"
                .formatted(path, SET));
      }
    }
  }

  private boolean writeMissing(int clip) {
    Path file = path.resolve(name(clip));
    if (Files.exists(file)) {
      return false; // files get their names when they are complete
    }
    try {
      VideoWriter.write(file, set.clip(clip));
      return true;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static String name(int clip) {
    return String.format(Locale.ROOT, "%06d.mp4", clip);
  }

  private Map<String, Object> line(int clip) {
    Scene scene = set.scene(clip);
    var line = new LinkedHashMap<String, Object>();
    line.put("video", name(clip));
    line.put("caption", scene.words().caption());
    line.put("truth", scene);
    line.put(
        "track",
        IntStream.range(0, set.frames())
            .mapToDouble(frame -> frame / (set.frames() - 1.0))
            .mapToObj(share -> List.of(rounded(scene.xAt(share)), rounded(scene.yAt(share))))
            .toList());
    return line;
  }

  /** To a thousandth of a pixel of a small picture. */
  private static double rounded(double place) {
    return Math.rint(place * 1e5) / 1e5;
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
