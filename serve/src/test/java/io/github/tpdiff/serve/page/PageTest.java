package io.github.tpdiff.serve.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.serve.Limits;
import io.github.tpdiff.serve.PageSettings;
import io.github.tpdiff.serve.ServerSettings;
import io.github.tpdiff.serve.VideoServer;
import io.github.tpdiff.weights.CheckpointException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page in a browser, driven by keys as a person does. {@code -Dtpdiff.screenshots=FOLDER}
 * writes a picture of each state.
 */
@Timeout(120)
class PageTest {
  private static final int FIELDS = 60;

  @TempDir private Path temporary;
  private final BallModel model = new BallModel();
  private Chromium browser;
  private @Nullable VideoServer server;

  @BeforeEach
  void start() throws Exception {
    Optional<Path> program = Chromium.installed();
    assumeTrue(program.isPresent(), "Chromium is not installed");
    browser = Chromium.start(program.get(), temporary.resolve("profile"));
    browser.look(1440, 900, false);
  }

  @AfterEach
  void stop() throws Exception {
    model.allow(1000); // what failed may have left something waiting
    if (browser != null) {
      browser.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private void serve(String... keys) throws Exception {
    Optional<Path> runs = Optional.of(temporary.resolve("runs")).filter(Files::isDirectory);
    server =
        VideoServer.open(
            settings(temporary.resolve("results"), keys),
            Map.of("ball", loras -> model.parts()),
            new PageSettings(runs, Map.of("ball", "run")));
  }

  private URI address() {
    return requireNonNull(server).address();
  }

  static ServerSettings settings(Path results, String... keys) {
    return new ServerSettings(
        new ServerSettings.Place("127.0.0.1", 0),
        results,
        new ServerSettings.Access(List.of(keys), Set.of(), Set.of()),
        Map.of("spark", LoraChoice.of(Path.of("spark.safetensors"))),
        ServerSettings.Defaults.none(),
        Limits.open(),
        ServerSettings.Times.usual(),
        Optional.of(1_000_000L));
  }

  /** Presses Tab until a field has the focus, which has to be seen. */
  private void tabTo(String id) throws Exception {
    for (int i = 0; i < FIELDS; i++) {
      browser.press("Tab");
      // A player shows the focus of its own buttons, and the browser that of its own.
      if (!browser.value("/VIDEO|BODY/.test(document.activeElement.tagName)").asBoolean()) {
        assertThat(browser.value("document.activeElement.matches(':focus-visible')").asBoolean())
            .isTrue();
        assertThat(browser.value("getComputedStyle(document.activeElement).outlineStyle").asText())
            .isIn("solid", "auto");
      }
      if (browser.value("document.activeElement.id").asText().equals(id)) {
        return;
      }
    }
    throw new AssertionError("Tab does not come to " + id);
  }

  /** Presses Tab until a button of the newest video has the focus. */
  private void tabToButton(String text) throws Exception {
    for (int i = 0; i < FIELDS; i++) {
      browser.press("Tab");
      if (browser.value("document.activeElement.textContent").asText().equals(text)
          && browser.value("document.activeElement.closest('.video') !== null").asBoolean()) {
        return;
      }
    }
    throw new AssertionError("Tab does not come to " + text);
  }

  private void fill(String id, String text) throws Exception {
    tabTo(id);
    browser.type(text);
  }

  private static String status(int place) {
    return "document.querySelectorAll('.video .status')[%d]?.textContent".formatted(place);
  }

  /** In two sizes and two colour schemes: nothing is wider than the window. */
  private void look(String state) throws Exception {
    String folder = System.getProperty("tpdiff.screenshots", "");
    for (int width : new int[] {1440, 390}) {
      for (boolean dark : new boolean[] {false, true}) {
        browser.look(width, width == 390 ? 844 : 900, dark);
        assertThat(browser.value("document.documentElement.scrollWidth").asInt())
            .as("%s, %d pixels wide", state, width)
            .isLessThanOrEqualTo(width);
        if (!folder.isEmpty()) {
          // As tall as the page, so that what stays in sight is where the page has it.
          int height = browser.value("document.documentElement.scrollHeight").asInt();
          browser.look(width, height, dark);
          Thread.sleep(300);
          String name = "%s-%s-%s.png".formatted(state, width, dark ? "dark" : "light");
          browser.screenshot(Files.createDirectories(Path.of(folder)).resolve(name));
        }
      }
    }
    browser.look(1440, 900, false);
  }

  /** Nothing went wrong in the page, and it asked nobody but its service. */
  private void requireCalm() {
    assertThat(browser.complaints()).isEmpty();
    assertThat(browser.requests())
        .filteredOn(asked -> !Set.of("blob", "data", "about").contains(asked.getScheme()))
        .isNotEmpty()
        .allMatch(asked -> address().getAuthority().equals(asked.getAuthority()));
  }

  @Test
  void byKeysAlone_aVideoIsMadeWatchedAndDeleted() throws Exception {
    serve();
    browser.open(address());
    browser.until("!document.getElementById('no-videos').hidden");
    look("empty");
    fill("prompt", "A red ball rolls to the right");
    fill("width", "192");
    fill("height", "128");
    fill("num_frames", "17");
    fill("num_inference_steps", "6");
    fill("guidance_scale", "1");
    fill("seed", "7");
    fill("stages", "2");
    tabTo("generate");
    browser.press("Enter");
    browser.until(status(0) + " === 'in progress'");
    fillAgain("A second ball waits");
    browser.until(status(0) + " === 'queued'");
    look("queued");
    model.allow(2);
    browser.until("document.querySelector('img.latents')?.naturalWidth > 0");
    look("progress");
    String now =
        browser
            .value("document.querySelector('.now + .stages').previousElementSibling.textContent")
            .asText();
    assertThat(now).matches("Stage 1 of 2, step [12] of 3. \\d+ %\\.");
    model.allow(3);
    browser.until(
        "document.querySelector('.in_progress .now')?.textContent.startsWith('Stage 2 of 2, step"
            + " 2')");
    browser.until("document.querySelector('img.latents').alt.includes('stage 2 after step 2')");
    look("progress-later");
    model.allow(1);
    browser.until(status(1) + " === 'done'");
    browser.until("document.querySelector('video').readyState >= 1");
    assertThat(browser.value("document.querySelector('video').videoWidth").asInt()).isEqualTo(192);
    assertThat(browser.value("document.querySelector('video').duration").asDouble())
        .isBetween(17 / 16.0 - 0.1, 17 / 16.0 + 0.1);
    assertThat(browser.value("document.getElementById('announce').textContent").asText())
        .isNotEmpty();
    browser.value("document.querySelectorAll('.video h2')[0].focus()");
    tabToButton("Cancel");
    browser.press("Enter");
    browser.until(status(0) + " === 'cancelled'");
    model.allow(2);
    look("done");
    browser.value("document.querySelectorAll('.video h2')[1].focus()");
    tabToButton("Delete");
    browser.press("Enter");
    browser.until("document.getElementById('confirm').open");
    look("confirm");
    browser.press("Escape");
    browser.until("!document.getElementById('confirm').open");
    assertThat(browser.value("document.querySelectorAll('.video').length").asInt()).isEqualTo(2);
    browser.press("Enter");
    browser.until("document.getElementById('confirm').open");
    browser.press("Shift+Tab");
    browser.press("Enter");
    browser.until("document.querySelectorAll('.video').length === 1");
    requireCalm();
  }

  /** The form keeps what was filled in; another prompt, sent from its field. */
  private void fillAgain(String prompt) throws Exception {
    browser.value("document.getElementById('prompt').focus()");
    browser.value("document.getElementById('prompt').select()");
    browser.type(prompt);
    browser.press("Control+Enter");
  }

  @Test
  void settingsThatWereCopied_makeTheSameAgain() throws Exception {
    serve();
    browser.allowClipboard(address());
    browser.open(address());
    browser.until("!document.getElementById('no-videos').hidden");
    fill("prompt", "It's a \"ball\" for $5; --really");
    fill("negative_prompt", "-blurry");
    fill("width", "64");
    fill("height", "32");
    fill("num_frames", "9");
    fill("num_inference_steps", "2");
    fill("guidance_scale", "1");
    fill("seed", "12");
    browser.press("Control+Enter");
    tabTo("copy-command");
    browser.press("Enter");
    String command = browser.value("navigator.clipboard.readText()").asText();
    assertThat(words(command))
        .containsExactly(
            "run",
            "ball",
            "--prompt",
            "It's a \"ball\" for $5; --really",
            "--negative-prompt=-blurry",
            "--size",
            "64x32",
            "--frames",
            "9",
            "--steps",
            "2",
            "--guidance",
            "1",
            "--seed",
            "12");
    tabTo("copy-curl");
    browser.press("Enter");
    String curl = browser.value("navigator.clipboard.readText()").asText();
    model.allow(4);
    assertThat(shell(curl)).contains("\"status\":\"queued\"");
    browser.until(status(0) + " === 'done'");
    assertThat(browser.value("document.querySelector('.facts').textContent").asText())
        .startsWith("ball · 64 × 32 · 9 frames · 2 steps · guidance 1 · seed 12");
    // What the finished video says of itself is the same as what was asked.
    browser.value("document.querySelector('.video h2').focus()");
    tabToButton("Copy command");
    browser.press("Enter");
    browser.until("document.getElementById('announce').textContent === 'command copied'");
    assertThat(words(browser.value("navigator.clipboard.readText()").asText()))
        .containsAll(words(command));
    tabTo("lora-add");
    browser.press("Enter");
    browser.until("document.activeElement.id === 'lora-1'");
    browser.press("Tab");
    browser.type("0.8");
    look("lora");
    // Where the browser keeps the clipboard to itself, the text is there to be copied by hand.
    browser.value("Object.defineProperty(navigator, 'clipboard', {value: null})");
    tabTo("copy-command");
    browser.press("Enter");
    browser.until("document.getElementById('copied').open");
    look("copied");
    assertThat(words(browser.value("document.getElementById('copied-text').value").asText()))
        .containsSequence("--lora", "spark", "--lora-strength", "0.8");
    browser.press("Escape");
    browser.until("!document.getElementById('copied').open");
    requireCalm();
  }

  /** What a shell makes of a line that begins with {@code tpdiff}. */
  private static List<String> words(String command) throws Exception {
    String printed = shell("tpdiff() { printf '%s\\n' \"$@\"; }\n" + command);
    return new ArrayList<>(printed.lines().toList());
  }

  private static String shell(String script) throws Exception {
    Process process = new ProcessBuilder("bash", "-c", script).start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).isZero();
    return out;
  }

  @Test
  void whatIsRefused_isSaidBesideItsField_andWhatFails_inTheList() throws Exception {
    serve();
    browser.open(address());
    browser.until("!document.getElementById('no-videos').hidden");
    tabTo("generate");
    browser.press("Enter");
    assertThat(browser.value("document.getElementById('request-error').textContent").asText())
        .isEqualTo("Say what the video shows.");
    assertThat(browser.value("document.activeElement.id").asText()).isEqualTo("prompt");
    browser.type("A ball");
    fill("width", "33");
    browser.press("Enter");
    browser.until("document.getElementById('width').ariaInvalid === 'true'");
    assertThat(browser.value("document.getElementById('request-error').textContent").asText())
        .isEqualTo("width: expected a multiple of 16, found 33; use 32 or 48");
    assertThat(browser.value("document.activeElement.id").asText()).isEqualTo("width");
    look("refused");
    browser.value("document.getElementById('width').select()");
    browser.type("32");
    model.allow(8);
    model
        .parts()
        .before(
            "vae_decoder/first",
            () -> {
              throw new CheckpointException("vae_decoder: damaged");
            });
    browser.press("Enter");
    browser.until(status(0) + " === 'failed'");
    assertThat(browser.value("document.querySelector('.video .error').textContent").asText())
        .isEqualTo("vae_decoder: damaged");
    look("failed");
    assertThat(browser.complaints()).hasSize(1).first().asString().contains("400");
  }

  @Test
  void whereThereAreKeys_oneIsAskedFor_andForgottenWithTheTab() throws Exception {
    serve("first secret", "second secret");
    browser.open(address());
    browser.until("document.activeElement.id === 'key'");
    look("key");
    browser.type("wrong");
    browser.press("Enter");
    browser.until("document.getElementById('key-error').textContent !== ''");
    look("key-refused");
    browser.type("second secret");
    browser.press("Enter");
    browser.until("!document.getElementById('videos-view').hidden");
    fill("prompt", "A ball");
    model.allow(8);
    browser.press("Control+Enter");
    browser.until(status(0) + " === 'done'");
    // A player cannot send a key: the page gives it a copy.
    browser.until("document.querySelector('video').readyState >= 1");
    assertThat(browser.value("document.querySelector('video').src").asText()).startsWith("blob:");
    assertThat(browser.value("localStorage.length + document.cookie.length").asInt()).isZero();
    tabTo("forget");
    browser.press("Enter");
    browser.until("document.activeElement.id === 'key'");
    assertThat(browser.value("sessionStorage.length").asInt()).isZero();
    assertThat(browser.complaints()).hasSize(1).first().asString().contains("401");
  }

  @Test
  void runs_areShownWithTheirCurves() throws Exception {
    Path run = Files.createDirectories(temporary.resolve("runs").resolve("balls").resolve("a & b"));
    var log =
        new StringBuilder(
            "step,epoch,loss,loss_stage_2,loss_stage_1,smoothed_stage_2,smoothed_stage_1,learning_rate,gradient_norm,validation_stage_2,validation_stage_1\n");
    for (int step = 1; step <= 200; step++) {
      double loss = 0.2 + Math.exp(-step / 60.0) + 0.05 * Math.sin(step * 7.0);
      double smooth = 0.2 + Math.exp(-step / 60.0);
      boolean coarse = step % 2 == 0;
      log.append(step)
          .append(',')
          .append(step / 10.0)
          .append(',')
          .append(loss)
          .append(',')
          .append(coarse ? loss : "")
          .append(',')
          .append(coarse ? "" : loss)
          .append(',')
          .append(smooth)
          .append(',')
          .append(1.3 * smooth)
          .append(",1.0E-4,")
          .append(2 * loss)
          .append(',')
          .append(step % 50 == 0 ? smooth : "")
          .append(',')
          .append(step % 50 == 0 ? 1.3 * smooth : "")
          .append('\n');
    }
    Files.writeString(run.resolve("log.csv"), log.toString());
    serve();
    browser.open(address());
    browser.until("!document.getElementById('videos-view').hidden");
    tabTo("to-runs");
    browser.press("Enter");
    browser.until("document.querySelectorAll('#run .chart').length === 4");
    assertThat(browser.value("document.querySelector('#runs a').firstChild.textContent").asText())
        .isEqualTo("balls/a & b");
    assertThat(browser.value("document.querySelectorAll('#run polyline').length").asInt())
        .isEqualTo(8);
    look("runs");
    requireCalm();
  }
}
