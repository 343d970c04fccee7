package io.github.tpdiff.lora.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.weights.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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

  /** Names in a list, at most. */
  private static final int NAMED = 3;

  /** What is compared of a clip. */
  private static final List<String> COMPARED =
      List.of("sha256", "frames", "size", "caption", "use", "latents");

  /**
   * Which clips are new, gone or changed since a manifest was written into a folder, in words;
   * empty if there is none, or it says the same. Clips are told apart by data set, file name and
   * number, as folders may be moved.
   */
  public Optional<String> changesSince(Path folder) {
    Map<String, Map<String, Object>> then;
    Map<String, Map<String, Object>> now;
    try {
      then = byClip(Files.readAllLines(folder.resolve(FILE)));
      now = byClip(lines);
    } catch (IOException unknown) {
      return Optional.empty();
    }
    var fresh = new ArrayList<String>();
    var changed = new ArrayList<String>();
    now.forEach(
        (clip, line) -> {
          Map<String, Object> before = then.remove(clip);
          if (before == null) {
            fresh.add(name(line));
          } else {
            List<String> others =
                COMPARED.stream()
                    .filter(key -> !Objects.equals(before.get(key), line.get(key)))
                    .toList();
            if (!others.isEmpty()) {
              changed.add(name(line) + " (" + String.join(", ", others) + ")");
            }
          }
        });
    var words = new ArrayList<String>();
    describe("new", fresh, words);
    describe("gone", then.values().stream().map(DataManifest::name).toList(), words);
    describe("changed", changed, words);
    return words.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", words));
  }

  private static void describe(String what, List<String> clips, List<String> words) {
    if (!clips.isEmpty()) {
      words.add(
          "%d clips %s: %s%s"
              .formatted(
                  clips.size(),
                  what,
                  String.join(", ", clips.subList(0, Math.min(NAMED, clips.size()))),
                  clips.size() > NAMED ? ", ..." : ""));
    }
  }

  private static String name(Map<String, Object> line) {
    return String.valueOf(line.get("file")).replaceFirst("^.*[/\\\\]", "");
  }

  private static Map<String, Map<String, Object>> byClip(List<String> lines) throws IOException {
    var clips = new LinkedHashMap<String, Map<String, Object>>();
    for (String text : lines) {
      Map<String, Object> line = JSON.readValue(text, new TypeReference<>() {});
      clips.put("%s %s %s".formatted(line.get("set"), name(line), line.get("clip")), line);
    }
    return clips;
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
