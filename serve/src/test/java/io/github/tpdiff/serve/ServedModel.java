package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.util.concurrent.Uninterruptibles;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.serving.ModelOpener;
import io.github.tpdiff.serve.ServerSettings.Access;
import io.github.tpdiff.serve.ServerSettings.Defaults;
import io.github.tpdiff.serve.ServerSettings.Place;
import io.github.tpdiff.serve.ServerSettings.Times;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A server with a model of Java functions, and who asks it. */
final class ServedModel implements AutoCloseable {
  static final String MODEL = "linear";
  static final String ASK = "{\"model\": \"linear\", \"prompt\": \"a red fox\"}";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final VideoServer server;
  private final HttpClient client = HttpClient.newHttpClient();

  private ServedModel(VideoServer server) {
    this.server = server;
  }

  static ServerSettings settings(Path results) {
    return new ServerSettings(
        new Place("127.0.0.1", 0),
        results,
        Access.open(),
        Map.of(),
        Defaults.none(),
        Limits.open(),
        new Times(Duration.ofHours(1), Duration.ofSeconds(10)),
        Optional.of(1_000_000L));
  }

  static Map<String, ModelOpener> models() {
    return Map.of(MODEL, loras -> new LinearVideoModel().parts());
  }

  static ServedModel open(Path results) throws IOException {
    return open(settings(results));
  }

  static ServedModel open(ServerSettings settings) throws IOException {
    return new ServedModel(VideoServer.open(settings, models()));
  }

  /** One whose device waits at the gate before each video. */
  static ServedModel open(ServerSettings settings, Gate gate) throws IOException {
    return new ServedModel(VideoServer.open(settings, models(), List.of(job -> gate)));
  }

  /** Lets one generation after another through. */
  static class Gate implements GenerationListener {
    private final Semaphore allowed = new Semaphore(0);
    private final CountDownLatch reached = new CountDownLatch(1);

    @Override
    public void onPhase(Phase phase) {
      if (phase == Phase.TEXT) {
        reached.countDown();
        allowed.acquireUninterruptibly();
      }
    }

    void awaitFirst() {
      if (!Uninterruptibles.awaitUninterruptibly(reached, 1, TimeUnit.MINUTES)) {
        throw new AssertionError("nothing was made");
      }
    }

    void let(int many) {
      allowed.release(many);
    }
  }

  VideoServer server() {
    return server;
  }

  HttpClient client() {
    return client;
  }

  URI at(String path) {
    return server.address().resolve(path);
  }

  /** For what the JDK's client does not let through. */
  Socket connect() throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), server.address().getPort());
    socket.setSoTimeout(30_000);
    return socket;
  }

  HttpRequest.Builder ask(String path) {
    return HttpRequest.newBuilder(at(path)).timeout(Duration.ofMinutes(1));
  }

  HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  HttpResponse<String> get(String path) throws Exception {
    return send(ask(path));
  }

  HttpResponse<String> post(String path, String json) throws Exception {
    return send(
        ask(path).header("Content-Type", "application/json").POST(BodyPublishers.ofString(json)));
  }

  static JsonNode json(HttpResponse<String> reply) throws Exception {
    return JSON.readTree(reply.body());
  }

  /** The job that a request made. */
  String create(String json) throws Exception {
    HttpResponse<String> reply = post("/v1/videos", json);
    if (reply.statusCode() != 200) {
      throw new AssertionError(reply.statusCode() + " " + reply.body());
    }
    return json(reply).get("id").textValue();
  }

  /** A job once it has ended. */
  JsonNode await(String id) throws Exception {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (System.nanoTime() < end) {
      JsonNode job = json(get("/v1/videos/" + id));
      if (!job.get("status").textValue().matches("queued|in_progress")) {
        return job;
      }
      Thread.sleep(5);
    }
    throw new AssertionError(id + " did not end");
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
