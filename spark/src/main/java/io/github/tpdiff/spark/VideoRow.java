package io.github.tpdiff.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.hash.Hashing;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.CheckpointException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A row of a table of requests.
 *
 * @param id that names the row's video
 * @param request as JSON, an object as {@code tpdiff generate --request} reads
 */
record VideoRow(String id, String request) {
  private static final RecordJson<VideoRow> JSON = RecordJson.handWritten(VideoRow.class);
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}");
  private static final String COLUMN = "id";
  private static final int DIGITS = 16;

  /**
   * @throws CheckpointException if the id is none that a file can have
   */
  VideoRow {
    if (!ID.matcher(id).matches()) {
      throw new CheckpointException(
          "id: expected at most 100 letters, digits, '.', '_' and '-', found '%s'".formatted(id));
    }
  }

  /**
   * Of a row that Spark has read; a column {@code id} names it, else what it says does. Columns
   * with dots, as tables without nesting have them, are fields of fields: {@code video.width}.
   */
  static VideoRow of(String row) {
    ObjectNode fields = object(row);
    JsonNode id = fields.remove(COLUMN);
    String request = nested(fields).toString();
    return new VideoRow(
        id == null
            ? Hashing.sha256().hashString(request, UTF_8).toString().substring(0, DIGITS)
            : id.asText(),
        request);
  }

  private static ObjectNode nested(ObjectNode fields) {
    ObjectNode nested = MAPPER.createObjectNode();
    for (Map.Entry<String, JsonNode> field : fields.properties()) {
      ObjectNode at = nested;
      List<String> names = List.of(field.getKey().split("\\.", -1));
      for (String name : names.subList(0, names.size() - 1)) {
        at = at.get(name) instanceof ObjectNode there ? there : at.putObject(name);
      }
      at.set(names.get(names.size() - 1), field.getValue());
    }
    return nested;
  }

  private static ObjectNode object(String json) {
    try {
      if (MAPPER.readTree(json) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException broken) {
      throw new CheckpointException("a row: " + broken.getOriginalMessage(), broken);
    }
    throw new CheckpointException("a row: expected an object, found " + json);
  }

  String json() {
    return JSON.format(this);
  }

  static VideoRow parse(String json) {
    return JSON.parse(json, "a row");
  }
}
