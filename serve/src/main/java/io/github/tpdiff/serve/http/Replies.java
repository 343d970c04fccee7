package io.github.tpdiff.serve.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Writes whole replies. */
public final class Replies {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Replies() {}

  /** Answers with JSON. */
  public static void json(Response response, Callback callback, int status, JsonNode body) {
    bytes(response, callback, new Body(status, "application/json", text(body)));
  }

  /** Answers with a refusal's error object. */
  public static void refusal(Response response, Callback callback, Refusal refusal) {
    refusal
        .retryAfter()
        .ifPresent(
            wait ->
                response
                    .getHeaders()
                    .put(HttpHeader.RETRY_AFTER, Math.max(1, wait.plusMillis(999).toSeconds())));
    json(response, callback, refusal.kind().status(), object(refusal));
  }

  static ObjectNode object(Refusal refusal) {
    ObjectNode error = JsonNodeFactory.instance.objectNode();
    error.put("message", refusal.getMessage());
    error.put("type", refusal.kind().type());
    error.put("param", refusal.param().orElse(null));
    error.put("code", refusal.kind().code());
    return JsonNodeFactory.instance.objectNode().set("error", error);
  }

  /**
   * A whole reply.
   *
   * @param type its media type
   */
  public record Body(int status, String type, String text) {}

  /** Answers with a text. */
  public static void bytes(Response response, Callback callback, Body body) {
    response.setStatus(body.status());
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, body.type());
    byte[] bytes = body.text().getBytes(UTF_8);
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, bytes.length);
    response.write(true, ByteBuffer.wrap(bytes), callback);
  }

  /** JSON as one line. */
  public static String text(JsonNode json) {
    try {
      return JSON.writeValueAsString(json);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
