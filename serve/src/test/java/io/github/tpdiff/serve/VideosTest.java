package io.github.tpdiff.serve;

import static io.github.tpdiff.serve.ServedModel.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.primitives.Bytes;
import io.github.tpdiff.runtime.media.PictureReader;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each call of /v1/videos, as a client that does nothing wrong makes it. */
class VideosTest {
  @TempDir private Path folder;
  private ServedModel served;

  @BeforeEach
  void open() throws Exception {
    served = ServedModel.open(folder.resolve("results"));
  }

  @AfterEach
  void close() throws Exception {
    served.close();
  }

  private byte[] bytes(String path) throws Exception {
    HttpResponse<byte[]> reply =
        served.client().send(served.ask(path).build(), BodyHandlers.ofByteArray());
    assertThat(reply.statusCode()).isEqualTo(200);
    return reply.body();
  }

  @Test
  void aVideo_isCreatedMadeAndDownloaded() throws Exception {
    HttpResponse<String> created =
        served.post(
            "/v1/videos",
            """
            {"model": "linear", "prompt": "a red fox", "size": "32x16", "num_frames": 5, "seed": 7,
             "num_inference_steps": 3, "guidance_scale": 1, "negative_prompt": "blurs"}
            """);
    assertThat(created.statusCode()).isEqualTo(200);
    JsonNode job = json(created);
    assertThat(job.get("object").textValue()).isEqualTo("video");
    assertThat(job.get("status").textValue()).isIn("queued", "in_progress");
    assertThat(job.get("size").textValue()).isEqualTo("32x16");
    assertThat(job.get("seconds").textValue()).isEqualTo("0.312"); // 5 frames at the model's 16
    assertThat(job.get("prompt").textValue()).isEqualTo("a red fox");
    assertThat(job.get("created_at").longValue() * 1000)
        .isCloseTo(System.currentTimeMillis(), Offset.offset(60_000L));
    String id = job.get("id").textValue();
    JsonNode done = served.await(id);
    assertThat(done.get("status").textValue()).as(done.toString()).isEqualTo("completed");
    assertThat(done.get("progress").intValue()).isEqualTo(100);
    assertThat(done.get("error").isNull()).isTrue();
    assertThat(done.get("seed").intValue()).isEqualTo(7);
    assertThat(done.get("expires_at").longValue() - done.get("completed_at").longValue())
        .isEqualTo(3600);
    Path mp4 = Files.write(folder.resolve("got.mp4"), bytes("/v1/videos/" + id + "/content"));
    int frames = 0;
    try (VideoReader reader = VideoReader.open(mp4)) {
      while (reader.next().isPresent()) {
        frames++;
      }
    }
    assertThat(frames).isEqualTo(5);
    Path thumbnail =
        Files.write(
            folder.resolve("got.png"), bytes("/v1/videos/" + id + "/content?variant=thumbnail"));
    RgbPicture first = PictureReader.read(thumbnail);
    assertThat(List.of(first.size().width(), first.size().height())).isEqualTo(List.of(32, 16));
    Path sheet =
        Files.write(
            folder.resolve("sheet.png"),
            bytes("/v1/videos/" + id + "/content?variant=spritesheet"));
    assertThat(PictureReader.size(sheet).width()).isGreaterThan(5 * 32);
  }

  @Test
  void aForm_saysTheSameAsJson() throws Exception {
    String form =
        Arrays.stream(
                new String[][] {
                  {"model", "linear"},
                  {"prompt", "ein roter Fuchs"},
                  {"width", "32"},
                  {"height", "16"},
                  {"num_frames", "9"},
                  {"num_inference_steps", "4"},
                  {"stages", "2"},
                  {"split", "1-3"},
                  {"fps", "8"}
                })
            .map(
                part ->
                    "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
                        .formatted(part[0], part[1]))
            .reduce("", String::concat);
    HttpResponse<String> created =
        served.send(
            served
                .ask("/v1/videos")
                .header("Content-Type", "multipart/form-data; boundary=b")
                .POST(BodyPublishers.ofString(form + "--b--\r\n")));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(200);
    JsonNode done = served.await(json(created).get("id").textValue());
    assertThat(done.get("status").textValue()).as(done.toString()).isEqualTo("completed");
    assertThat(done.get("num_frames").intValue()).isEqualTo(9);
    assertThat(done.get("fps").intValue()).isEqualTo(8);
    assertThat(done.get("prompt").textValue()).isEqualTo("ein roter Fuchs");
  }

  /** Two stages: what is said of each is told again as a command takes it. */
  @Test
  void noiseLevelsAndGuidanceOfStages_areTakenAsListsAndAsTexts() throws Exception {
    for (String fields :
        List.of(
            "\"sigmas\": [[1, 0.95], []], \"stage_guidance\": [3, 1], \"guidance_interval\": [1, 0.5]",
            "\"sigmas\": \"1,0.95/\", \"stage_guidance\": \"3,1\", \"guidance_interval\": \"1,0.5\"")) {
      String id = served.create("{\"prompt\": \"fox\", \"stages\": 2, %s}".formatted(fields));
      JsonNode done = served.await(id);
      assertThat(done.get("status").textValue()).as(done.toString()).isEqualTo("completed");
      assertThat(done.get("num_inference_steps").intValue()).isEqualTo(3);
      assertThat(done.get("sigmas").textValue()).isEqualTo("1.0,0.95/");
      assertThat(done.get("timesteps").isNull()).isTrue();
      assertThat(done.get("stage_guidance").textValue()).isEqualTo("3.0,1.0");
      assertThat(done.get("guidance_interval").textValue()).isEqualTo("1.0,0.5");
    }
  }

  /** At 16 frames a second: 17 up to 1.03 s, of which the model has every fourth and one. */
  @Test
  void seconds_becomeFramesThatTheModelHas() throws Exception {
    for (String seconds : List.of("\"1\"", "1", "1.03")) {
      String id = served.create("{\"prompt\": \"fox\", \"seconds\": %s}".formatted(seconds));
      assertThat(json(served.get("/v1/videos/" + id)).get("num_frames").intValue()).isEqualTo(17);
    }
  }

  @Test
  void theSameSeed_givesTheSameVideo_andNoSeedAnother() throws Exception {
    String ask = "{\"prompt\": \"fox\", \"seed\": 3}";
    byte[] one = bytes("/v1/videos/" + finished(ask) + "/content");
    assertThat(bytes("/v1/videos/" + finished(ask) + "/content")).isEqualTo(one);
    JsonNode open = served.await(served.create("{\"prompt\": \"fox\"}"));
    JsonNode again = served.await(served.create("{\"prompt\": \"fox\"}"));
    assertThat(open.get("seed").longValue()).isNotEqualTo(again.get("seed").longValue());
  }

  private String finished(String ask) throws Exception {
    String id = served.create(ask);
    assertThat(served.await(id).get("status").textValue()).isEqualTo("completed");
    return id;
  }

  @Test
  void theList_goesFromPageToPage() throws Exception {
    var made = new ArrayList<String>();
    for (int i = 0; i < 5; i++) {
      made.add(finished(ServedModel.ASK));
    }
    JsonNode first = json(served.get("/v1/videos?limit=2&order=asc"));
    assertThat(ids(first)).isEqualTo(made.subList(0, 2));
    assertThat(first.get("has_more").booleanValue()).isTrue();
    assertThat(first.get("first_id").textValue()).isEqualTo(made.get(0));
    JsonNode second =
        json(served.get("/v1/videos?limit=3&order=asc&after=" + first.get("last_id").textValue()));
    assertThat(ids(second)).isEqualTo(made.subList(2, 5));
    assertThat(second.get("has_more").booleanValue()).isFalse();
    Collections.reverse(made);
    assertThat(ids(json(served.get("/v1/videos")))).isEqualTo(made);
  }

  private static List<String> ids(JsonNode list) {
    return StreamSupport.stream(list.get("data").spliterator(), false)
        .map(job -> job.get("id").textValue())
        .toList();
  }

  @Test
  void ranges_areThePartsOfTheFile() throws Exception {
    String path = "/v1/videos/" + finished(ServedModel.ASK) + "/content";
    byte[] all = bytes(path);
    HttpResponse<byte[]> middle =
        served
            .client()
            .send(
                served.ask(path).header("Range", "bytes=10-29").build(),
                BodyHandlers.ofByteArray());
    assertThat(middle.statusCode()).isEqualTo(206);
    assertThat(middle.headers().firstValue("Content-Range")).hasValue("bytes 10-29/" + all.length);
    assertThat(middle.body()).isEqualTo(Arrays.copyOfRange(all, 10, 30));
    HttpResponse<byte[]> head =
        served
            .client()
            .send(
                served.ask(path).method("HEAD", BodyPublishers.noBody()).build(),
                BodyHandlers.ofByteArray());
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("Content-Type")).hasValue("video/mp4");
    assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(all.length);
    assertThat(head.body()).isEmpty();
    HttpResponse<String> beyond =
        served.send(served.ask(path).header("Range", "bytes=%d-".formatted(all.length)));
    assertThat(beyond.statusCode()).isEqualTo(416);
  }

  @Test
  void sync_answersWithTheVideo() throws Exception {
    HttpResponse<byte[]> video =
        served
            .client()
            .send(
                served
                    .ask("/v1/videos/sync")
                    .header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString(ServedModel.ASK))
                    .build(),
                BodyHandlers.ofByteArray());
    assertThat(video.statusCode()).isEqualTo(200);
    assertThat(Bytes.indexOf(video.body(), "ftyp".getBytes(StandardCharsets.US_ASCII)))
        .isEqualTo(4);
    String id = video.headers().firstValue("X-Video-Id").orElseThrow();
    assertThat(bytes("/v1/videos/" + id + "/content")).isEqualTo(video.body());
  }

  @Test
  void events_tellEachStepAndTheEnd() throws Exception {
    String id = served.create(ServedModel.ASK);
    HttpResponse<String> events = served.get("/v1/videos/" + id + "/events");
    assertThat(events.headers().firstValue("Content-Type")).hasValue("text/event-stream");
    List<String> lines = events.body().lines().filter(line -> line.startsWith("event: ")).toList();
    assertThat(lines.get(lines.size() - 1)).isEqualTo("event: completed");
    assertThat(lines.subList(0, lines.size() - 1)).allMatch("event: progress"::equals);
    assertThat(events.body().strip()).contains("\ndata: {\"id\":\"" + id);
    HttpResponse<String> late = served.get("/v1/videos/" + id + "/events");
    assertThat(late.body()).startsWith("event: completed\ndata: ");
  }

  @Test
  void aDeletedVideo_isGoneFromListAndDisk() throws Exception {
    String id = finished(ServedModel.ASK);
    assertThat(folder.resolve("results").resolve(id)).isDirectory();
    HttpResponse<String> reply = served.send(served.ask("/v1/videos/" + id).DELETE());
    assertThat(json(reply))
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    "{\"id\": \"%s\", \"object\": \"video.deleted\", \"deleted\": true}"
                        .formatted(id)));
    assertThat(served.get("/v1/videos/" + id).statusCode()).isEqualTo(404);
    assertThat(served.get("/v1/videos/" + id + "/content").statusCode()).isEqualTo(404);
    assertThat(folder.resolve("results").resolve(id)).doesNotExist();
    assertThat(served.send(served.ask("/v1/videos/" + id).DELETE()).statusCode()).isEqualTo(404);
  }

  @Test
  void modelsHealthAndMetrics_areAnswered() throws Exception {
    JsonNode models = json(served.get("/v1/models"));
    assertThat(models.get("data").get(0).get("id").textValue()).isEqualTo("linear");
    assertThat(models.get("data").get(0).get("defaults").get("size").textValue())
        .isEqualTo("32x16");
    assertThat(served.get("/health").body()).isEqualTo("{\"status\":\"ok\"}");
    assertThat(served.get("/ready").statusCode()).isEqualTo(200);
    finished(ServedModel.ASK);
    String metrics = served.get("/metrics").body();
    assertThat(metrics)
        .contains("tpdiff_jobs{state=\"completed\"} 1.0")
        .contains("tpdiff_queue_length 0.0")
        .contains("tpdiff_stage_seconds_count{model=\"linear\",part=\"stage_1\"} 1")
        .contains("tpdiff_stage_seconds_count{model=\"linear\",part=\"decoding\"} 1")
        .contains("tpdiff_stage_seconds_count{model=\"linear\",part=\"text\"} 1")
        .contains(
            "http_server_requests_seconds_count{method=\"GET\",status=\"200\",uri=\"/health\"} 1")
        .contains("jvm_memory_used_bytes{area=\"heap\"");
  }
}
