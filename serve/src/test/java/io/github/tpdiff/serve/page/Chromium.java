package io.github.tpdiff.serve.page;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A page in headless Chromium, driven by the DevTools protocol over the JDK's own WebSocket: what
 * the tests need of it is less than a library for browsers brings (Selenium and Playwright are
 * larger than the service).
 */
final class Chromium implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Process process;
  private final WebSocket socket;
  private final String session;
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<String> complaints = new CopyOnWriteArrayList<>();
  private final List<URI> requests = new CopyOnWriteArrayList<>();

  /** Chromium, where it is installed. */
  static Optional<Path> installed() {
    return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(":", -1))
        .flatMap(
            folder ->
                List.of("chromium", "chromium-browser", "google-chrome").stream()
                    .map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts it with an empty page and a profile of its own. */
  static Chromium start(Path program, Path profile) throws Exception {
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                "--hide-scrollbars",
                "--force-color-profile=srgb",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .start();
    try {
      return new Chromium(process);
    } catch (Exception | Error failure) {
      process.destroyForcibly();
      throw failure;
    }
  }

  private Chromium(Process process) throws Exception {
    this.process = process;
    socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(endpoint(process), new Listener())
            .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    String target =
        call("", "Target.createTarget", Map.of("url", "about:blank")).get("targetId").asText();
    session =
        call("", "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .get("sessionId")
            .asText();
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", Map.of());
    }
  }

  /** Where it listens: it says so itself. */
  private static URI endpoint(Process process) throws IOException {
    String said = "DevTools listening on ";
    BufferedReader lines = process.inputReader(UTF_8);
    var heard = new ArrayList<String>();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith(said)) {
        var drain = new Thread(() -> lines.lines().forEach(rest -> {}), "chromium");
        drain.setDaemon(true);
        drain.start();
        return URI.create(line.substring(said.length()).strip());
      }
      heard.add(line);
    }
    throw new IOException("Chromium did not start: " + heard);
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket own, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        try {
          take(JSON.readTree(text.toString()));
        } catch (IOException damaged) {
          complaints.add(damaged.toString());
        }
        text.setLength(0);
      }
      own.request(1);
      return CompletableFuture.completedFuture(own);
    }
  }

  private void take(JsonNode message) {
    if (message.has("id")) {
      Optional.ofNullable(answers.remove(message.get("id").asInt()))
          .ifPresent(answer -> answer.complete(message));
      return;
    }
    JsonNode said = message.path("params");
    switch (message.path("method").asText()) {
      case "Runtime.exceptionThrown" ->
          complaints.add(said.at("/exceptionDetails/exception/description").asText());
      case "Runtime.consoleAPICalled" -> {
        if (said.path("type").asText().equals("error")) {
          complaints.add(said.path("args").toString());
        }
      }
      case "Log.entryAdded" -> {
        if (said.at("/entry/level").asText().equals("error")) {
          complaints.add(said.at("/entry/text").asText() + " " + said.at("/entry/url").asText());
        }
      }
      case "Network.requestWillBeSent" ->
          requests.add(URI.create(said.at("/request/url").asText().split("[?#]", 2)[0]));
      default -> {} // what nobody asked for
    }
  }

  private JsonNode call(String method, Map<String, ?> params) throws Exception {
    return call(session, method, params);
  }

  private JsonNode call(String own, String method, Map<String, ?> params) throws Exception {
    int id = ids.incrementAndGet();
    var answer = new CompletableFuture<JsonNode>();
    answers.put(id, answer);
    var message = JSON.createObjectNode().put("id", id).put("method", method);
    message.set("params", JSON.valueToTree(params));
    if (!own.isEmpty()) {
      message.put("sessionId", own);
    }
    synchronized (answers) {
      socket.sendText(message.toString(), true).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    JsonNode got = answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (got.has("error")) {
      throw new IOException(method + ": " + got.get("error"));
    }
    return got.get("result");
  }

  /** What went wrong in the page so far: exceptions, and errors in its console. */
  List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** What it asked for so far. */
  List<URI> requests() {
    return List.copyOf(requests);
  }

  void open(URI page) throws Exception {
    call("Page.navigate", Map.of("url", page.toString()));
    until("document.readyState === 'complete'");
  }

  /** The size of the window, and whether the user prefers dark pages. */
  void look(int width, int height, boolean dark) throws Exception {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
    call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
  }

  /** Lets pages of a site write and read the clipboard. */
  void allowClipboard(URI site) throws Exception {
    call(
        "",
        "Browser.grantPermissions",
        Map.of(
            "origin",
            site.toString(),
            "permissions",
            List.of("clipboardReadWrite", "clipboardSanitizedWrite")));
  }

  /** The value of an expression, awaited if it is a promise. */
  JsonNode value(String expression) throws Exception {
    JsonNode got =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "awaitPromise", true, "returnByValue", true));
    if (got.has("exceptionDetails")) {
      throw new IOException(expression + ": " + got.get("exceptionDetails"));
    }
    return got.path("result").path("value");
  }

  /** Waits until an expression is true. */
  void until(String expression) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!value("Boolean(" + expression + ")").asBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            "not within %s: %s; the page says: %s; complaints: %s"
                .formatted(
                    PATIENCE, expression, value("document.body.innerText").asText(), complaints));
      }
      Thread.sleep(50);
    }
  }

  /** Text, as from a keyboard. */
  void type(String text) throws Exception {
    call("Input.insertText", Map.of("text", text));
  }

  /**
   * A key, as a person presses it: {@code Tab}, {@code Shift+Tab}, {@code Enter}, {@code Escape}.
   */
  void press(String keys) throws Exception {
    boolean shift = keys.startsWith("Shift+");
    String key = keys.substring(keys.indexOf('+') + 1);
    int code =
        switch (key) {
          case "Tab" -> 9;
          case "Enter" -> 13;
          case "Escape" -> 27;
          default -> throw new IllegalArgumentException("no such key here: " + key);
        };
    int modifiers = shift ? 8 : keys.startsWith("Control+") ? 2 : 0;
    String text = key.equals("Enter") ? "\r" : "";
    Map<String, Object> down =
        Map.of(
            "type",
            text.isEmpty() ? "rawKeyDown" : "keyDown",
            "key",
            key,
            "code",
            key,
            "windowsVirtualKeyCode",
            code,
            "modifiers",
            modifiers,
            "text",
            text);
    call("Input.dispatchKeyEvent", down);
    call(
        "Input.dispatchKeyEvent",
        Map.of(
            "type",
            "keyUp",
            "key",
            key,
            "code",
            key,
            "windowsVirtualKeyCode",
            code,
            "modifiers",
            modifiers));
  }

  /** The whole page as a picture. */
  void screenshot(Path png) throws Exception {
    JsonNode shot =
        call("Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true));
    Files.write(png, Base64.getDecoder().decode(shot.get("data").asText()));
  }

  @Override
  public void close() throws IOException {
    try {
      call("", "Browser.close", Map.of());
      // Its profile can be deleted only when it has gone.
      process.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (Exception gone) {
      throw new IOException("Chromium did not close", gone);
    } finally {
      process.destroyForcibly();
    }
  }
}
