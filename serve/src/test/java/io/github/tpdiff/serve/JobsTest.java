package io.github.tpdiff.serve;

import static io.github.tpdiff.serve.ServedModel.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.serve.ServedModel.Gate;
import io.github.tpdiff.weights.CheckpointException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was promised is kept: through full queues, cancelled jobs, stops and kills. */
class JobsTest {
  @TempDir private Path folder;

  private ServerSettings settings(int queued, Duration keep, Duration grace) {
    ServerSettings usual = ServedModel.settings(folder);
    var none = Optional.<Integer>empty();
    return new ServerSettings(
        usual.place(),
        usual.results(),
        usual.access(),
        usual.loras(),
        usual.defaults(),
        new Limits(none, none, none, none, none, none, none, Optional.of(queued), none),
        new ServerSettings.Times(keep, grace),
        usual.warmBytes());
  }

  private ServerSettings settings(int queued) {
    return settings(queued, Duration.ofHours(1), Duration.ZERO);
  }

  private static String status(ServedModel served, String id) throws Exception {
    return json(served.get("/v1/videos/" + id)).get("status").textValue();
  }

  @Test
  void beyondTheQueue_clientsAreToldWhenToComeBack() throws Exception {
    var gate = new Gate();
    try (ServedModel served = ServedModel.open(settings(2), gate)) {
      String running = served.create(ServedModel.ASK);
      gate.awaitFirst();
      String first = served.create(ServedModel.ASK);
      String second = served.create(ServedModel.ASK);
      HttpResponse<String> full = served.post("/v1/videos", ServedModel.ASK);
      assertThat(full.statusCode()).isEqualTo(429);
      assertThat(full.headers().firstValueAsLong("Retry-After").orElse(0)).isPositive();
      assertThat(json(full).get("error").get("code").textValue()).isEqualTo("queue_full");
      assertThat(json(served.get("/v1/videos")).get("data")).hasSize(3);
      assertThat(json(served.get("/v1/videos/" + second)).get("queue_position").intValue())
          .isEqualTo(2);
      assertThat(served.get("/metrics").body())
          .contains("tpdiff_queue_length 2.0")
          .contains("tpdiff_running 1.0");
      gate.let(3);
      for (String id : List.of(running, first, second)) {
        assertThat(served.await(id).get("status").textValue()).isEqualTo("completed");
      }
      gate.let(1);
      assertThat(served.await(served.create(ServedModel.ASK)).get("status").textValue())
          .isEqualTo("completed");
    }
  }

  @Test
  void cancelledJobs_endAndStay_deletedOnesGo() throws Exception {
    var gate = new Gate();
    try (ServedModel served = ServedModel.open(settings(9), gate)) {
      String running = served.create(ServedModel.ASK);
      gate.awaitFirst();
      String waiting = served.create(ServedModel.ASK);
      String deleted = served.create(ServedModel.ASK);
      var events =
          served
              .client()
              .sendAsync(
                  served.ask("/v1/videos/" + waiting + "/events").build(), BodyHandlers.ofString());
      HttpResponse<String> cancelled =
          served.send(
              served.ask("/v1/videos/" + waiting + "/cancel").POST(BodyPublishers.noBody()));
      assertThat(json(cancelled).get("status").textValue()).isEqualTo("cancelled");
      assertThat(events.get(1, TimeUnit.MINUTES).body()).contains("event: cancelled");
      assertThat(served.send(served.ask("/v1/videos/" + deleted).DELETE()).statusCode())
          .isEqualTo(200);
      assertThat(served.get("/v1/videos/" + deleted).statusCode()).isEqualTo(404);
      served.send(served.ask("/v1/videos/" + running + "/cancel").POST(BodyPublishers.noBody()));
      gate.let(9);
      assertThat(served.await(running).get("status").textValue()).isEqualTo("cancelled");
      HttpResponse<String> content = served.get("/v1/videos/" + running + "/content");
      assertThat(content.statusCode()).isEqualTo(409);
      assertThat(json(content).get("error").get("message").textValue()).contains("cancelled");
      String last = served.create(ServedModel.ASK);
      assertThat(served.await(last).get("status").textValue()).isEqualTo("completed");
      HttpResponse<String> late =
          served.send(served.ask("/v1/videos/" + last + "/cancel").POST(BodyPublishers.noBody()));
      assertThat(late.statusCode()).isEqualTo(409);
    }
  }

  @Test
  void aRepeatedRequest_isTheSameJob() throws Exception {
    try (ServedModel served = ServedModel.open(settings(9))) {
      HttpRequest.Builder ask =
          served
              .ask("/v1/videos")
              .header("Content-Type", "application/json")
              .header("Idempotency-Key", "one")
              .POST(BodyPublishers.ofString(ServedModel.ASK));
      var twins = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (int i = 0; i < 8; i++) {
        twins.add(served.client().sendAsync(ask.build(), BodyHandlers.ofString()));
      }
      var ids = new ArrayList<String>();
      for (var twin : twins) {
        ids.add(json(twin.get(1, TimeUnit.MINUTES)).get("id").textValue());
      }
      assertThat(ids).hasSize(8).containsOnly(ids.get(0));
      served.await(ids.get(0));
      assertThat(json(served.send(ask)).get("id").textValue()).isEqualTo(ids.get(0));
      HttpResponse<String> other =
          served.send(ask.POST(BodyPublishers.ofString("{\"prompt\": \"another\"}")));
      assertThat(other.statusCode()).isEqualTo(409);
      assertThat(json(served.get("/v1/videos")).get("data")).hasSize(1);
    }
  }

  @Test
  void aStop_leavesWhatHasNotEndedToTheNextServer() throws Exception {
    var gate = new Gate();
    var ids = new ArrayList<String>();
    ServedModel served = ServedModel.open(settings(9), gate);
    try {
      String done = served.create(ServedModel.ASK);
      gate.let(1);
      served.await(done);
      for (int i = 0; i < 4; i++) {
        ids.add(served.create(ServedModel.ASK));
      }
    } finally {
      var stopping = CompletableFuture.runAsync(() -> close(served));
      gate.let(1); // the one that runs is cancelled at its next look, or just done
      stopping.get(1, TimeUnit.MINUTES);
    }
    try (ServedModel next = ServedModel.open(settings(1))) {
      assertThat(next.server().resumed()).isBetween(3, 4);
      for (String id : ids) {
        assertThat(next.await(id).get("status").textValue()).isEqualTo("completed");
      }
      assertThat(json(next.get("/v1/videos?order=asc")).get("data")).hasSize(5);
    }
  }

  private static void close(ServedModel served) {
    try {
      served.close();
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  @Test
  void whatRuns_hasItsGrace() throws Exception {
    var gate = new Gate();
    String id;
    try (ServedModel served =
        ServedModel.open(settings(9, Duration.ofHours(1), Duration.ofMinutes(1)), gate)) {
      id = served.create(ServedModel.ASK);
      gate.awaitFirst();
      gate.let(1);
    }
    try (ServedModel next = ServedModel.open(settings(1))) {
      assertThat(next.server().resumed()).isZero();
      assertThat(status(next, id)).isEqualTo("completed");
    }
  }

  @Test
  void oneServer_hasAFolder() throws Exception {
    try (ServedModel served = ServedModel.open(settings(1))) {
      assertThatThrownBy(() -> ServedModel.open(settings(1)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("another server writes into this folder");
      assertThat(served.get("/health").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void whatIsOver_isForgotten() throws Exception {
    String id;
    try (ServedModel served = ServedModel.open(settings(9, Duration.ofMillis(1), Duration.ZERO))) {
      id = served.create(ServedModel.ASK);
      while (json(served.get("/v1/videos")).get("data").size() > 0
          && !status(served, id).equals("completed")) {
        Thread.sleep(5);
      }
    }
    Files.createDirectory(folder.resolve("video_" + "0".repeat(32))); // of no job
    try (ServedModel next = ServedModel.open(settings(9))) {
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
      while (!foldersOfJobs().isEmpty() && System.nanoTime() < end) {
        Thread.sleep(10);
      }
      assertThat(foldersOfJobs()).isEmpty();
      assertThat(next.get("/v1/videos/" + id).statusCode()).isEqualTo(404);
    }
  }

  private List<String> foldersOfJobs() throws IOException {
    try (var files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("video_"))
          .toList();
    }
  }

  @Test
  void aJobThatCannotBeMade_failsWithItsReason() throws Exception {
    var failing =
        new LinearVideoModel()
            .parts()
            .with(
                LinearVideoModel.TEXT_ENCODER,
                List.of("input_ids", "attention_mask"),
                List.of("last_hidden_state"),
                in -> {
                  throw new IllegalStateException("secret of the house");
                });
    try (VideoServer server = VideoServer.open(settings(9), Map.of("linear", loras -> failing))) {
      HttpClient client = HttpClient.newHttpClient();
      URI videos = server.address().resolve("/v1/videos/sync");
      HttpResponse<String> reply =
          client.send(
              HttpRequest.newBuilder(videos)
                  .header("Content-Type", "application/json")
                  .POST(BodyPublishers.ofString(ServedModel.ASK))
                  .build(),
              BodyHandlers.ofString());
      assertThat(reply.statusCode()).isEqualTo(500);
      assertThat(reply.body()).contains("internal_error").doesNotContain("secret");
    }
  }

  /**
   * Two hundred at once, each until its video is there: none is lost, whatever it is told first.
   */
  @Test
  void manyClients_allGetTheirVideos() throws Exception {
    var pool = Executors.newFixedThreadPool(200);
    try (ServedModel served = ServedModel.open(settings(8))) {
      var clients = new ArrayList<Future<String>>();
      for (int i = 0; i < 200; i++) {
        clients.add(pool.submit(() -> insisting(served)));
      }
      var ids = new ArrayList<String>();
      for (Future<String> client : clients) {
        ids.add(client.get(2, TimeUnit.MINUTES));
      }
      assertThat(ids).doesNotHaveDuplicates();
      for (String id : ids) {
        assertThat(served.await(id).get("status").textValue()).isEqualTo("completed");
      }
      JsonNode newest = json(served.get("/v1/videos?limit=100"));
      assertThat(newest.get("has_more").booleanValue()).isTrue();
      assertThat(served.get("/metrics").body())
          .contains("tpdiff_jobs{state=\"completed\"} 200.0")
          .contains("tpdiff_jobs{state=\"queued\"} 0.0")
          .contains("tpdiff_jobs{state=\"failed\"} 0.0");
    } finally {
      pool.shutdownNow();
    }
  }

  private static String insisting(ServedModel served) throws Exception {
    String ask =
        "{\"prompt\": \"fox\", \"size\": \"32x16\", \"num_frames\": 1, \"num_inference_steps\": 1}";
    while (true) {
      HttpResponse<String> reply = served.post("/v1/videos", ask);
      if (reply.statusCode() == 200) {
        return json(reply).get("id").textValue();
      }
      assertThat(reply.statusCode()).as(reply.body()).isEqualTo(429);
      assertThat(reply.headers().firstValue("Retry-After")).isPresent();
      Thread.sleep(20);
    }
  }

  /** A server in a process of its own, whose model takes a second for each step. */
  static final class Slow {
    private Slow() {}

    public static void main(String[] arguments) throws Exception {
      var test = new JobsTest();
      test.folder = Path.of(arguments[0]);
      ServedModel served =
          ServedModel.open(
              test.settings(50),
              new Gate() {
                @Override
                public void onPhase(Phase phase) {}

                @Override
                public void onStep(StepDone step) {
                  try {
                    Thread.sleep(300);
                  } catch (InterruptedException stop) {
                    Thread.currentThread().interrupt();
                  }
                }
              });
      System.out.println(served.server().address());
      Thread.sleep(Duration.ofMinutes(5).toMillis());
    }
  }

  @Test
  void aKilledServer_losesNothingThatItPromised() throws Exception {
    var promised = Collections.synchronizedList(new ArrayList<String>());
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                Slow.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      URI videos = URI.create(lines.readLine()).resolve("/v1/videos");
      HttpClient client = HttpClient.newHttpClient();
      HttpRequest ask =
          HttpRequest.newBuilder(videos)
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString(ServedModel.ASK))
              .build();
      var clients = new ArrayList<CompletableFuture<?>>();
      for (int i = 0; i < 40; i++) {
        clients.add(
            client
                .sendAsync(ask, BodyHandlers.ofString())
                .thenAccept(
                    reply -> {
                      if (reply.statusCode() == 200) {
                        promised.add(
                            reply.body().replaceAll(".*\"id\":\"(video_[^\"]*)\".*", "$1"));
                      }
                    })
                .exceptionally(killed -> null));
      }
      while (promised.size() < 20) {
        Thread.sleep(1);
      }
      process.destroyForcibly().waitFor(); // in the middle of the others
      CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).join();
    } finally {
      process.destroyForcibly();
    }
    try (ServedModel next = ServedModel.open(settings(1))) {
      assertThat(next.server().resumed()).isGreaterThanOrEqualTo(promised.size() - 1);
      for (String id : List.copyOf(promised)) {
        assertThat(next.await(id).get("status").textValue()).isEqualTo("completed");
        assertThat(next.get("/v1/videos/" + id + "/content").statusCode()).isEqualTo(200);
      }
    }
  }
}
