package io.github.tpdiff.serve.http;

import io.github.tpdiff.serve.http.Refusal.Kind;
import java.util.Arrays;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** Answers with an error object where the server itself refuses a request. */
public final class JsonErrorHandler extends ErrorHandler {
  @Override
  protected void generateResponse(
      Request request,
      Response response,
      int code,
      @Nullable String message,
      @Nullable Throwable cause,
      Callback callback) {
    Kind kind =
        Arrays.stream(Kind.values())
            .filter(known -> known.status() == code)
            .findFirst()
            .orElse(code >= 500 ? Kind.INTERNAL : Kind.INVALID);
    String words = code >= 500 || message == null ? "HTTP status " + code : message;
    var body =
        new Replies.Body(
            code, "application/json", Replies.text(Replies.object(Refusal.of(kind, words))));
    Replies.bytes(response, callback, body);
  }
}
