package io.github.tpdiff.lora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.weights.AtomicFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Exactly what is trained on: a line of JSON for every clip, in the order of the data.
 *
 * @param lines of the file
 */
public record DataManifest(List<String> lines) {
  /** Name of the file. */
  public static final String FILE = "data_manifest.jsonl";

  private static final JsonMapper JSON = new JsonMapper();

  public DataManifest {
    lines = List.copyOf(lines);
  }

  /**
   * Of prepared clips.
   *
   * @param validation share of the videos that is held out, see {@link CachedSet#split}
   */
  public static DataManifest of(CachedSet clips, double validation) {
    Set<CachedSet.Entry> training = new HashSet<>(clips.split(validation).training().entries());
    return new DataManifest(
        clips.entries().stream()
            .map(clip -> line(clip, training.contains(clip) ? "training" : "validation"))
            .toList());
  }

  private static String line(CachedSet.Entry clip, String use) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("file", clip.origin().file().toAbsolutePath().normalize().toString());
    line.put("sha256", clip.origin().sha256());
    line.put("set", clip.origin().set());
    line.put("clip", clip.clip().number());
    // Clips that earlier versions cached do not say which frames they are.
    clip.clip()
        .made()
        .frames()
        .ifPresent(
            span -> {
              line.put("frames", List.of(span.first(), span.last()));
              line.put("seconds", List.of(span.startSeconds(), span.endSeconds()));
            });
    line.put("size", clip.clip().made().size().toString());
    line.put("caption", clip.origin().caption());
    line.put("latents", clip.video().getFileName().toString());
    line.put("use", use);
    try {
      return JSON.writeValueAsString(line);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * Writes the file into a folder.
   *
   * @return the file
   */
  public Path write(Path folder) {
    Path file = folder.resolve(FILE);
    AtomicFile.write(file, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    return file;
  }
}
