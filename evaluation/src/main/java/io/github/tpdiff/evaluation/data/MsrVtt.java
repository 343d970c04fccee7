package io.github.tpdiff.evaluation.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.common.hash.Hashing;
import io.github.tpdiff.lora.data.Utf8File;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The JSON of MSR-VTT (Xu et al. 2016): {@code videos} with their split and {@code sentences}, of
 * which each clip has about 20. Of these one is its caption, by a rule, so that a figure can be
 * made again. Files are {@code VIDEO_ID.mp4}, as the clips are handed out.
 *
 * @param origin the JSON
 * @param split that is taken, such as test; all if it is empty
 * @param choice of the caption
 * @param seed of {@link Choice#SEEDED}
 */
public record MsrVtt(Path origin, Optional<String> split, Choice choice, long seed)
    implements ClipSource {
  /** The published file has 25 MB. */
  private static final long MOST_BYTES = 256L << 20;

  private static final JsonMapper JSON = new JsonMapper();

  /** Which of a clip's sentences is its caption. */
  public enum Choice {
    /** The one of the least {@code sen_id}. */
    FIRST,
    /** The one of the most words; of several the first. */
    LONGEST,
    /** One that the seed and the video's name choose, whatever other clips there are. */
    SEEDED
  }

  private record Sentence(long id, String caption) {
    int words() {
      return caption.split("\\s+").length;
    }
  }

  @Override
  public Map<String, String> rules() {
    var rules = new LinkedHashMap<String, String>();
    split.ifPresent(own -> rules.put("split", own));
    rules.put("caption", Words.of(choice) + (choice == Choice.SEEDED ? " " + seed : ""));
    return rules;
  }

  @Override
  public void read(Sink sink) throws IOException {
    JsonNode root;
    try {
      root = JSON.readTree(Utf8File.read(origin, MOST_BYTES));
    } catch (JsonProcessingException broken) {
      int line = broken.getLocation() == null ? 1 : broken.getLocation().getLineNr();
      throw new CheckpointException(
          "%s: line %d: expected JSON: %s".formatted(origin, line, broken.getOriginalMessage()),
          broken);
    }
    Map<String, List<Sentence>> sentences = sentences(root);
    int place = 0;
    for (JsonNode video : list(root, "videos")) {
      String where = "videos[%d]".formatted(place++);
      String id = text(video, "video_id", where);
      List<Sentence> own = sentences.getOrDefault(id, List.of());
      if (split.isPresent() && !text(video, "split", where).equals(split.get())) {
        sink.drop("split: expected " + split.get());
      } else if (own.isEmpty()) {
        sink.drop("caption: expected one");
      } else {
        Sentence chosen = choose(id, own);
        var facts = new LinkedHashMap<String, Object>();
        facts.put("sen_id", chosen.id());
        if (video.path("category").isInt()) {
          facts.put("category", video.get("category").intValue());
        }
        sink.take(new Candidate(id + ".mp4", chosen.caption(), facts));
      }
    }
  }

  private Map<String, List<Sentence>> sentences(JsonNode root) {
    var byVideo = new HashMap<String, List<Sentence>>();
    int place = 0;
    for (JsonNode sentence : list(root, "sentences")) {
      String where = "sentences[%d]".formatted(place++);
      String caption = text(sentence, "caption", where).strip();
      JsonNode id = sentence.path("sen_id");
      if (!id.isIntegralNumber()) {
        throw wrong(where + ".sen_id", "a whole number", id);
      }
      if (!caption.isEmpty()) {
        byVideo
            .computeIfAbsent(text(sentence, "video_id", where), video -> new ArrayList<>())
            .add(new Sentence(id.longValue(), caption));
      }
    }
    byVideo.values().forEach(own -> own.sort(Comparator.comparingLong(Sentence::id)));
    return byVideo;
  }

  private Sentence choose(String video, List<Sentence> sentences) {
    return switch (choice) {
      case FIRST -> sentences.get(0);
      case LONGEST ->
          sentences.stream()
              .sorted(Comparator.comparingInt(Sentence::words).reversed())
              .findFirst()
              .orElseThrow();
      case SEEDED -> {
        long hash =
            Hashing.sha256().hashString(seed + " " + video, StandardCharsets.UTF_8).asLong();
        yield sentences.get((int) Long.remainderUnsigned(hash, sentences.size()));
      }
    };
  }

  private JsonNode list(JsonNode root, String field) {
    JsonNode list = root.path(field);
    if (!list.isArray()) {
      throw wrong(field, "a list, as MSR-VTT has it", list);
    }
    return list;
  }

  private String text(JsonNode object, String field, String where) {
    JsonNode value = object.path(field);
    if (!value.isTextual()) {
      throw wrong(where + "." + field, "a text", value);
    }
    return value.textValue();
  }

  private CheckpointException wrong(String field, String expected, JsonNode found) {
    return new CheckpointException(
        "%s: %s: expected %s, found %s"
            .formatted(
                origin, field, expected, found.isMissingNode() ? "none" : found.getNodeType()));
  }
}
