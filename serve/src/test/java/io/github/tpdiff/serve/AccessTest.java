package io.github.tpdiff.serve;

import static io.github.tpdiff.serve.ServedModel.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.serve.ServerSettings.Access;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may ask: pages of other sites, other names, keys. */
class AccessTest {
  private static final String KEY = "0123456789abcdef";

  @TempDir private Path folder;

  private ServedModel open(Access access) throws IOException {
    ServerSettings usual = ServedModel.settings(folder);
    return ServedModel.open(
        new ServerSettings(
            usual.place(),
            usual.results(),
            access,
            usual.loras(),
            usual.defaults(),
            usual.limits(),
            usual.times(),
            usual.warmBytes()));
  }

  /** What a browser sends, which the JDK's client does not let through. */
  private static String raw(ServedModel served, String headers) throws IOException {
    String body = ServedModel.ASK;
    String request =
        "POST /v1/videos HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            .formatted(headers, body.length(), body);
    try (var socket = served.connect()) {
      socket.getOutputStream().write(request.getBytes(UTF_8));
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host: evil.example\r\n",
        "Host: evil.example:8420\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
        "Host: localhost\r\nOrigin: https://evil.example\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nOrigin: http://localhost:1\r\n",
        "Host: localhost\r\nOrigin: file://localhost\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
      })
  void otherSites_startNothing(String headers) throws Exception {
    try (ServedModel served = open(Access.open())) {
      assertThat(raw(served, headers))
          .startsWith("HTTP/1.1 403")
          .contains("\"code\":\"forbidden\"")
          .doesNotContainIgnoringCase("Access-Control-Allow");
      assertThat(json(served.get("/v1/videos")).get("data")).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host: localhost:8420\r\nOrigin: http://localhost:8420\r\nSec-Fetch-Site: same-origin\r\n",
        "Host: 192.168.0.7\r\nOrigin: http://192.168.0.7\r\n",
        "Host: [::1]:8420\r\n",
        "Host: videos.example\r\nOrigin: https://videos.example\r\n",
        "Host: localhost\r\nOrigin: https://app.example\r\n"
      })
  void ownPages_andThoseThatAreAllowed_start(String headers) throws Exception {
    try (ServedModel served =
        open(new Access(List.of(), Set.of("videos.example"), Set.of("https://app.example")))) {
      assertThat(raw(served, headers)).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void keys_areAskedForWhereThereAreSome() throws Exception {
    try (ServedModel served = open(new Access(List.of(KEY, KEY + "2"), Set.of(), Set.of()))) {
      for (String path : List.of("/v1/videos", "/v1/models", "/metrics", "/nothing")) {
        HttpResponse<String> without = served.get(path);
        assertThat(without.statusCode()).isEqualTo(401);
        assertThat(without.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
        assertThat(json(without).get("error").get("code").textValue()).isEqualTo("invalid_api_key");
      }
      assertThat(served.get("/health").statusCode()).isEqualTo(200);
      assertThat(served.get("/ready").statusCode()).isEqualTo(200);
      for (String wrong : List.of(KEY.substring(1), KEY + "3", "", "Bearer", "\u00e4")) {
        HttpRequest.Builder ask = served.ask("/v1/models");
        assertThat(served.send(ask.header("Authorization", "Bearer " + wrong)).statusCode())
            .isEqualTo(401);
      }
      for (String right : List.of(KEY, KEY + "2")) {
        HttpRequest.Builder ask = served.ask("/v1/models");
        assertThat(served.send(ask.header("Authorization", "Bearer " + right)).statusCode())
            .isEqualTo(200);
      }
      assertThat(
              served
                  .send(
                      served
                          .ask("/v1/videos")
                          .header("Authorization", "Basic " + KEY)
                          .header("Content-Type", "application/json")
                          .POST(BodyPublishers.ofString(ServedModel.ASK)))
                  .statusCode())
          .isEqualTo(401);
    }
  }

  @Test
  void everyReply_tellsBrowsersToMakeNoMoreOfIt() throws Exception {
    try (ServedModel served = open(Access.open())) {
      for (String path : List.of("/health", "/v1/videos", "/nothing")) {
        var headers = served.get(path).headers();
        assertThat(headers.firstValue("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(headers.firstValue("Content-Security-Policy").orElse(""))
            .contains("default-src 'none'")
            .contains("frame-ancestors 'none'")
            .doesNotContain("unsafe");
        assertThat(headers.firstValue("Server")).isEmpty();
      }
    }
  }
}
