package io.github.tpdiff.serve;

import static io.github.tpdiff.serve.ServedModel.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What strangers send, each answered with one error object and without a trace on the disk. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RefusalsTest {
  @TempDir private Path folder;
  private ServedModel served;

  @BeforeEach
  void open() throws Exception {
    ServerSettings usual = ServedModel.settings(folder);
    var limits =
        new Limits(
            Optional.of(64 * 64),
            Optional.of(33),
            Optional.of(20),
            Optional.of(1000),
            Optional.of(1 << 20),
            Optional.of(1),
            Optional.of(10_000),
            Optional.of(4),
            Optional.empty());
    served =
        ServedModel.open(
            new ServerSettings(
                usual.place(),
                usual.results(),
                usual.access(),
                usual.loras(),
                usual.defaults(),
                limits,
                usual.times(),
                usual.warmBytes()));
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    assertThat(json(served.get("/v1/videos")).get("data")).isEmpty();
    served.close();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.startsWith("video_"));
    }
  }

  private static void assertRefused(
      HttpResponse<String> reply, int status, String param, String words) throws Exception {
    assertThat(reply.statusCode()).as(reply.body()).isEqualTo(status);
    assertThat(reply.headers().firstValue("Content-Type")).hasValue("application/json");
    JsonNode error = json(reply).get("error");
    assertThat(error.get("message").textValue()).contains(words).doesNotContain("\n");
    assertThat(error.get("message").textValue().length()).isLessThan(600);
    assertThat(error.get("type").textValue()).isNotEmpty();
    assertThat(error.get("code").textValue()).isNotEmpty();
    assertThat(error.get("param").asText("")).isEqualTo(param);
  }

  static List<Arguments> wrongFields() {
    String long_ = "x".repeat(1_000_000);
    return Stream.of(
            of("prompt", "found nothing", "{}"),
            of("prompt", "found nothing", "{\"prompt\": \"  \"}"),
            of(
                "prompt",
                "at most 1000 characters, found 1000000",
                "{\"prompt\": \"" + long_ + "\"}"),
            of(
                "negative_prompt",
                "at most 1000",
                "{\"prompt\": \"x\", \"negative_prompt\": \"" + long_ + "\"}"),
            of("prompt", "expected a string, found 7", "{\"prompt\": 7}"),
            of("prompt", "expected a string", "{\"prompt\": [\"x\"]}"),
            of("num_framse", "did you mean num_frames?", field("num_framse", "9")),
            of("width", "expected an integer", field("width", "\"32\"")),
            of("width", "expected an integer", field("width", "32.5")),
            of("width", "expected 1 to 4096, found 1000000", field("width", "1000000")),
            of("width", "expected 1 to 4096, found -32", field("width", "-32")),
            of("width", "width", field("width", "99999999999999999999")),
            of("size", "at most 4096 pixels, found 99999x99999", field("size", "\"99999x99999\"")),
            of("size", "expected WIDTHxHEIGHT", field("size", "\"../../etc\"")),
            of("size", "found both", field("size", "\"32x16\", \"width\": 32")),
            of(
                "width",
                "expected a multiple of 16, found 40",
                field("width", "40, \"height\": 16")),
            of(
                "num_frames",
                "expected 1 to 33, found 2147483647",
                field("num_frames", "2147483647")),
            of("num_frames", "do not fit this model", field("num_frames", "8")),
            of("seconds", "expected a number", field("seconds", "\"soon\"")),
            of("seconds", "at most 3600", field("seconds", "\"1e99\"")),
            of("seconds", "found both", field("seconds", "\"1\", \"num_frames\": 9")),
            of(
                "num_inference_steps",
                "expected 1 to 20",
                field("num_inference_steps", "2000000000")),
            of("stages", "expected 1 to 8", field("stages", "1000000000")),
            of("rates", "at most 7", field("rates", "[2,2,2,2,2,2,2,2,2,2]")),
            of("rates", "expected 1 to 16", field("rates", "[1000000000]")),
            of("split", "expected 1 to 20", field("split", "[2000000000, 1]")),
            of("sigmas", "expected at most 1.0, found 2.0", field("sigmas", "[2, 1]")),
            of("sigmas", "that fall, found 1.0 after 0.5", field("sigmas", "[0.5, 1]")),
            of("sigmas", "expected numbers such as", field("sigmas", "[[1], 0.5]")),
            of("sigmas", "expected a number, found 'x'", field("sigmas", "\"1,x\"")),
            of("sigmas", "found several", field("sigmas", "[1], \"num_inference_steps\": 3")),
            of("timesteps", "expected at most 1000.0", field("timesteps", "[1001]")),
            of("stage_guidance", "one a stage", field("stage_guidance", "[3, 2, 1]")),
            of("guidance_interval", "expected pairs", field("guidance_interval", "[0.5]")),
            of("magcache", "no such field", field("magcache", "{\"file\": \"/etc/passwd\"}")),
            of("fps", "fps", field("fps", "-1")),
            of("sampler", "no-such", field("sampler", "\"no-such\"")),
            of("lora", "this service has none", field("lora", "\"../../etc/passwd\"")),
            of("lora", "at most 8", field("lora", "\"a,b,c,d,e,f,g,h,i\"")),
            of("flow_shift", "not here", field("flow_shift", "3")),
            of("guidance_scale", "guidance", field("guidance_scale", "\"NaN\"")),
            of(
                "input_reference",
                "this model does not take",
                field("input_reference", "\"" + url(png(8, 8, 8 * 25)) + "\"")),
            of(
                "input_reference",
                "fetches nothing",
                field("input_reference", "\"http://169.254.169.254/latest\"")),
            of(
                "input_reference",
                "fetches nothing",
                field("input_reference", "{\"image_url\": {\"url\": \"HTTPS://x\"}}")),
            of(
                "input_reference",
                "expected a picture as data:",
                field("input_reference", "\"file:///etc/passwd\"")),
            of(
                "input_reference",
                "keeps no files",
                field("input_reference", "{\"file_id\": \"f\"}")),
            of(
                "input_reference",
                "expected a picture (png, jpg, webp)",
                field("input_reference", "\"" + url("<svg/>".getBytes(UTF_8)) + "\"")),
            of(
                "input_reference",
                "expected a picture of at most",
                field("input_reference", "\"" + url(png(60_000, 60_000, 60_000)) + "\"")),
            of(
                "input_reference",
                "at most 10000 pixels, found 200 x 200",
                field("input_reference", "\"" + url(png(200, 200, 200 * 601)) + "\"")))
        .toList();
  }

  private static Arguments of(String param, String words, String body) {
    return Arguments.of(param, words, body);
  }

  private static String field(String name, String value) {
    return "{\"prompt\": \"x\", \"%s\": %s}".formatted(name, value);
  }

  private static String url(byte[] picture) {
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(picture);
  }

  /** A picture whose head says a size; what is in it may be far less. */
  private static byte[] png(int width, int height, int rowBytes) {
    var file = new ByteArrayOutputStream();
    file.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
    ByteBuffer head = ByteBuffer.allocate(13).putInt(width).putInt(height);
    head.put(new byte[] {8, 2, 0, 0, 0});
    chunk(file, "IHDR", head.array());
    var data = new ByteArrayOutputStream();
    try (var deflated = new DeflaterOutputStream(data)) {
      deflated.write(new byte[rowBytes]);
    } catch (IOException impossible) {
      throw new java.io.UncheckedIOException(impossible);
    }
    chunk(file, "IDAT", data.toByteArray());
    chunk(file, "IEND", new byte[0]);
    return file.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream file, String kind, byte[] data) {
    var body = ByteBuffer.allocate(4 + data.length).put(kind.getBytes(UTF_8)).put(data);
    var sum = new CRC32();
    sum.update(body.array());
    file.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
    file.writeBytes(body.array());
    file.writeBytes(ByteBuffer.allocate(4).putInt((int) sum.getValue()).array());
  }

  @ParameterizedTest
  @MethodSource
  void wrongFields(String param, String words, String body) throws Exception {
    assertRefused(served.post("/v1/videos", body), 400, param, words);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "7",
        "{",
        "{\"prompt\": \"x\"} {}",
        "{\"prompt\": \"x\", \"prompt\": \"y\"}",
        "\u0000",
        "{\"prompt\": \"\\ud800\"",
        "[[[[[[[[[[[[[[[[[[[["
      })
  void whatIsNoObject(String body) throws Exception {
    assertRefused(served.post("/v1/videos", body), 400, "", "body: expected");
  }

  @Test
  void unknownModels_areNotFound() throws Exception {
    assertRefused(
        served.post("/v1/videos", "{\"prompt\": \"x\", \"model\": \"linaer\"}"),
        404,
        "model",
        "the nearest is 'linear'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/videos/..%2f..%2fetc%2fpasswd/content",
        "/v1/videos/%2e%2e/%2e%2e/etc/passwd",
        "/v1/videos/video_00000000000000000000000000000000/content",
        "/v1/videos/jobs.sqlite/content",
        "/v1/videos/video_0/events",
        "/jobs.sqlite",
        "/v1/nothing"
      })
  void pathsToElsewhere(String path) throws Exception {
    String head = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    String reply = raw(head.getBytes(UTF_8));
    assertThat(reply).startsWith("HTTP/1.1 40").contains("\"error\":{\"message\":");
  }

  /** What a socket is answered. */
  private String raw(byte[] request) throws IOException {
    try (var socket = served.connect()) {
      socket.getOutputStream().write(request);
      socket.getOutputStream().flush();
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    }
  }

  @Test
  void otherMediaTypes_areRefused() throws Exception {
    for (String type : List.of("text/plain", "application/x-www-form-urlencoded", "image/png")) {
      assertRefused(
          served.send(
              served
                  .ask("/v1/videos")
                  .header("Content-Type", type)
                  .POST(BodyPublishers.ofString(ServedModel.ASK))),
          415,
          "",
          "expected application/json or multipart/form-data");
    }
  }

  @Test
  void otherMethods_areRefused() throws Exception {
    HttpResponse<String> reply =
        served.send(
            served.ask("/v1/videos").method("PATCH", BodyPublishers.ofString(ServedModel.ASK)));
    assertRefused(reply, 405, "", "found PATCH");
    assertThat(reply.headers().firstValue("Allow").orElse("")).contains("POST").contains("GET");
  }

  @Test
  void largeBodies_areRefused_whetherTheySaySoOrNot() throws Exception {
    byte[] large = new byte[(1 << 20) + 1];
    Arrays.fill(large, (byte) ' ');
    assertRefused(
        served.post("/v1/videos", new String(large, UTF_8)), 413, "", "at most 1048576 bytes");
    var chunked =
        served
            .ask("/v1/videos")
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(large)));
    assertRefused(served.send(chunked), 413, "", "at most 1048576 bytes");
  }

  @Test
  void slowBodies_areGivenUp() throws Exception {
    String head =
        "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: 500\r\n\r\n{\"prompt\": ";
    String reply = raw(head.getBytes(UTF_8));
    assertThat(reply).startsWith("HTTP/1.1 408").contains("\"code\":\"request_timeout\"");
  }

  @Test
  void bodiesThatAreNoForms_areRefused() throws Exception {
    for (String type : List.of("multipart/form-data", "multipart/form-data; boundary=b")) {
      assertRefused(
          served.send(
              served
                  .ask("/v1/videos")
                  .header("Content-Type", type)
                  .POST(BodyPublishers.ofString("no form"))),
          400,
          "",
          "expected");
    }
  }

  @Test
  void filesWhereTextsBelong_areRefused_whateverTheyAreCalled() throws Exception {
    String form =
        "--b\r\nContent-Disposition: form-data; name=\"../../../x\"; filename=\"../../x\"\r\n\r\nx\r\n--b--\r\n";
    HttpResponse<String> reply =
        served.send(
            served
                .ask("/v1/videos")
                .header("Content-Type", "multipart/form-data; boundary=b")
                .POST(BodyPublishers.ofString(form)));
    assertRefused(reply, 400, "../../../x", "expected a text, found a file");
  }

  @Test
  void questionsThatAreNone_areRefused() throws Exception {
    assertRefused(served.get("/v1/videos?limit=0"), 400, "limit", "expected 1 to 100");
    assertRefused(served.get("/v1/videos?limit=x"), 400, "limit", "expected 1 to 100");
    assertRefused(served.get("/v1/videos?order=up"), 400, "order", "asc or desc");
    assertRefused(served.get("/v1/videos?after=nobody"), 404, "id", "there is no video");
  }
}
