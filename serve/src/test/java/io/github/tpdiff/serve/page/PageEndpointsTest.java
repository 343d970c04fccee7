package io.github.tpdiff.serve.page;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.serve.PageSettings;
import io.github.tpdiff.serve.VideoServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the page asks for, asked without it. */
@Timeout(60)
class PageEndpointsTest {
  private static final String LOG =
      """
      step,epoch,loss,loss_stage_1,smoothed_stage_1,learning_rate,gradient_norm,validation_stage_1
      1,0.5,0.25,0.25,0.25,1.0E-4,2.0,
      2,1.0,0.2,0.2,0.22,1.0E-4,1.0,
      """;

  @TempDir private Path temporary;
  private final BallModel model = new BallModel();
  private final HttpClient client = HttpClient.newHttpClient();
  private @Nullable VideoServer server;

  private void serve(Optional<Path> runs, String... keys) throws Exception {
    server =
        VideoServer.open(
            PageTest.settings(temporary.resolve("results"), keys),
            Map.of("ball", loras -> model.parts()),
            new PageSettings(runs, Map.of()));
  }

  private URI address() {
    return requireNonNull(server).address();
  }

  @AfterEach
  void stop() throws Exception {
    model.allow(1000); // what failed may have left something waiting
    model.releaseDecoder();
    if (server != null) {
      server.close();
    }
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(
        HttpRequest.newBuilder(address().resolve(path)).build(), BodyHandlers.ofString());
  }

  @Test
  void everyFileOfThePage_isThereWithoutAKey_andAllowsNoScriptFromElsewhere() throws Exception {
    serve(Optional.empty(), "secret");
    assertThat(get("/v1/models").statusCode()).isEqualTo(401);
    String index = get("/").body();
    var named =
        Pattern.compile("(?:href|src)=\"(page/[^\"]+)\"")
            .matcher(index)
            .results()
            .map(found -> "/" + found.group(1))
            .toList();
    assertThat(named).hasSize(3);
    assertThat(Page.paths()).containsAll(named);
    for (String path : Page.paths()) {
      HttpResponse<String> reply = get(path);
      assertThat(reply.statusCode()).as(path).isEqualTo(200);
      String policy = reply.headers().firstValue("Content-Security-Policy").orElseThrow();
      assertThat(policy)
          .contains("default-src 'none'", "script-src 'self'")
          .doesNotContain("unsafe");
      for (var module :
          Pattern.compile("from \"\\./([^\"]+)\"").matcher(reply.body()).results().toList()) {
        assertThat(Page.paths()).contains("/page/" + module.group(1));
      }
    }
    assertThat(index).doesNotContain("style=", "onclick=", "http://", "https://");
    assertThat(get("/page/setup.json").body()).isEqualTo("{\"keys\":true,\"runs\":false}");
  }

  private void await(String id, String phase) throws Exception {
    while (!get("/v1/videos/" + id).body().contains("\"phase\":\"" + phase + "\"")) {
      Thread.sleep(20);
    }
  }

  @Test
  void aPreview_hasTheColoursOfTheVideo_whileItIsMade() throws Exception {
    serve(Optional.empty());
    String created =
        client
            .send(
                HttpRequest.newBuilder(address().resolve("/v1/videos"))
                    .header("Content-Type", "application/json")
                    .POST(
                        BodyPublishers.ofString(
                            "{\"prompt\": \"a ball\", \"size\": \"192x128\", \"num_frames\": 9,"
                                + " \"num_inference_steps\": 2, \"guidance_scale\": 1}"))
                    .build(),
                BodyHandlers.ofString())
            .body();
    String id = created.replaceAll("^\\{\"id\":\"([^\"]+)\".*", "$1");
    String path = "/v1/videos/" + id + "/preview";
    assertThat(get(path).statusCode()).isEqualTo(204);
    await(id, "denoising");
    model.holdDecoder();
    model.allow(2);
    await(id, "decoding");
    byte[] png =
        client
            .send(
                HttpRequest.newBuilder(address().resolve(path)).build(), BodyHandlers.ofByteArray())
            .body();
    BufferedImage shown = ImageIO.read(new ByteArrayInputStream(png));
    // Three frames of 24 x 16 latents, a pixel between them.
    assertThat(shown.getWidth()).isEqualTo(3 * 24 + 2);
    assertThat(shown.getHeight()).isEqualTo(16);
    for (int frame = 0; frame < 3; frame++) {
      for (int i = 0; i < 24 * 16; i++) {
        int found = shown.getRGB(frame * 25 + i % 24, i / 24);
        int expected = BallModel.colour(i % 24, i / 24, frame, 24, 16);
        for (int shift = 0; shift < 24; shift += 8) {
          // The last step leaves the clean latents, up to a float's rounding and that of a byte.
          assertThat(found >> shift & 255)
              .isBetween((expected >> shift & 255) - 1, (expected >> shift & 255) + 1);
        }
      }
    }
    assertThat(shown.getRGB(24, 0) & 0xffffff).isZero();
    model.releaseDecoder();
    assertThat(get("/v1/videos/no_such_video/preview").statusCode()).isEqualTo(204);
  }

  @Test
  void onlyLogsInTheFolderOfRuns_areRead() throws Exception {
    Path runs = temporary.resolve("runs");
    Files.writeString(Files.createDirectories(runs.resolve("a/b")).resolve("log.csv"), LOG);
    Files.writeString(Files.createDirectories(runs.resolve("torn")).resolve("log.csv"), "step,lo");
    Files.writeString(temporary.resolve("log.csv"), LOG);
    serve(Optional.of(runs));
    assertThat(get("/v1/runs").body()).contains("\"name\":\"a/b\"", "\"name\":\"torn\"");
    HttpResponse<String> curves = get("/v1/runs/curves?name=a%2Fb");
    assertThat(curves.statusCode()).isEqualTo(200);
    assertThat(curves.body())
        .contains("loss by stage", "stage 1", "0.22")
        .doesNotContain("<script");
    assertThat(get("/v1/runs/curves?name=..").statusCode()).isEqualTo(404);
    assertThat(get("/v1/runs/curves").statusCode()).isEqualTo(400);
    assertThat(get("/v1/runs/curves?name=torn").body())
        .contains("expected the columns of a training's log, found ''")
        .doesNotContain(temporary.toString());
  }
}
