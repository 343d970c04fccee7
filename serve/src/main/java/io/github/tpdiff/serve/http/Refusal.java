package io.github.tpdiff.serve.http;

import java.time.Duration;
import java.util.Optional;

/**
 * A request that is refused, in one line for whoever sent it.
 *
 * <p>Becomes {@code {"error": {"message", "type", "param", "code"}}}, the shape that OpenAI's
 * clients read.
 */
public final class Refusal extends RuntimeException {
  private static final int MOST_WORDS = 500;

  private final Kind kind;
  private final Optional<String> param;
  private final Optional<Duration> retryAfter;

  /** Why a request is refused: HTTP status, and what programs read. */
  public enum Kind {
    INVALID(400, "invalid_request_error", "invalid_value"),
    UNKNOWN_FIELD(400, "invalid_request_error", "unknown_parameter"),
    NO_KEY(401, "authentication_error", "invalid_api_key"),
    FORBIDDEN(403, "permission_error", "forbidden"),
    NOT_FOUND(404, "not_found_error", "not_found"),
    UNKNOWN_MODEL(404, "not_found_error", "model_not_found"),
    WRONG_METHOD(405, "invalid_request_error", "method_not_allowed"),
    TOO_SLOW(408, "invalid_request_error", "request_timeout"),
    CONFLICT(409, "conflict_error", "conflict"),
    TOO_LARGE(413, "invalid_request_error", "body_too_large"),
    WRONG_TYPE(415, "invalid_request_error", "unsupported_media_type"),
    QUEUE_FULL(429, "rate_limit_error", "queue_full"),
    INTERNAL(500, "server_error", "internal_error"),
    UNAVAILABLE(503, "server_error", "unavailable");

    private final int status;
    private final String type;
    private final String code;

    Kind(int status, String type, String code) {
      this.status = status;
      this.type = type;
      this.code = code;
    }

    public int status() {
      return status;
    }

    String type() {
      return type;
    }

    public String code() {
      return code;
    }
  }

  private Refusal(
      Kind kind, Optional<String> param, String message, Optional<Duration> retryAfter) {
    // What a client sent may stand in the message: a long one is not sent back.
    super(message.length() > MOST_WORDS ? message.substring(0, MOST_WORDS) + "…" : message);
    this.kind = kind;
    this.param = param;
    this.retryAfter = retryAfter;
  }

  /** A refusal of the whole request. */
  public static Refusal of(Kind kind, String message) {
    return new Refusal(kind, Optional.empty(), message, Optional.empty());
  }

  /**
   * A refusal of one field.
   *
   * @param param the field
   */
  public static Refusal of(Kind kind, String param, String message) {
    return new Refusal(kind, Optional.of(param), message, Optional.empty());
  }

  /** A refusal for now. */
  public static Refusal later(Kind kind, String message, Duration retryAfter) {
    return new Refusal(kind, Optional.empty(), message, Optional.of(retryAfter));
  }

  public Kind kind() {
    return kind;
  }

  Optional<String> param() {
    return param;
  }

  /** When the same request may be taken, if that is known. */
  public Optional<Duration> retryAfter() {
    return retryAfter;
  }

  /** One line. */
  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
