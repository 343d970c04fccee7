package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Takes pictures out of a request's fields.
 *
 * <p>A picture is sent, never fetched: a service that fetches what a stranger names reaches, in the
 * stranger's stead, whatever the machine reaches (server-side request forgery).
 */
final class Pictures {
  /** The picture that a video begins with. */
  static final String FIRST = "input_reference";

  /** The picture that it ends with. */
  static final String LAST = "last_reference";

  static final List<String> NAMES = List.of(FIRST, LAST);

  private static final List<String> IN_OBJECT = List.of("image_url", "url", "data");

  private Pictures() {}

  /**
   * Takes pictures out of the fields of a request.
   *
   * @return by name
   * @throws Refusal if a field is no picture
   */
  static Map<String, byte[]> take(ObjectNode fields) {
    var pictures = new LinkedHashMap<String, byte[]>();
    for (String name : NAMES) {
      Optional.ofNullable(fields.remove(name))
          .filter(field -> !field.isNull())
          .ifPresent(field -> pictures.put(name, picture(name, text(name, field))));
    }
    return pictures;
  }

  private static String text(String name, JsonNode field) {
    if (field.isTextual()) {
      return field.textValue();
    }
    if (field.has("file_id")) {
      throw Refusal.of(
          Kind.INVALID, name, name + ": file_id: the service keeps no files; send the picture");
    }
    for (String part : IN_OBJECT) {
      JsonNode value = field.path(part);
      // Some nest it once more, as in chats: {"image_url": {"url": …}}.
      JsonNode inner = value.isObject() ? value.path("url") : value;
      if (inner.isTextual()) {
        return inner.textValue();
      }
    }
    throw Refusal.of(
        Kind.INVALID,
        name,
        name + ": expected a data URL, or an object with one as image_url, found neither");
  }

  private static byte[] picture(String name, String text) {
    if (text.regionMatches(true, 0, "http:", 0, 5) || text.regionMatches(true, 0, "https:", 0, 6)) {
      throw Refusal.of(
          Kind.INVALID,
          name,
          name + ": this service fetches nothing; send the picture as a file or a data URL");
    }
    int comma = text.indexOf(',');
    String head = comma < 0 ? "" : text.substring(0, comma).toLowerCase(Locale.ROOT);
    if (!head.startsWith("data:") || !head.endsWith(";base64")) {
      throw Refusal.of(
          Kind.INVALID,
          name,
          name + ": expected a picture as data:image/…;base64,…, found another text");
    }
    try {
      return Base64.getMimeDecoder().decode(text.substring(comma + 1));
    } catch (IllegalArgumentException broken) {
      throw Refusal.of(Kind.INVALID, name, name + ": expected base64 after 'base64,'");
    }
  }
}
