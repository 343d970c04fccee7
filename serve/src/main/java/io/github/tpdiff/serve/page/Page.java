package io.github.tpdiff.serve.page;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.common.io.Resources;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The page at {@code /}: files that are read once and are the same for everybody. They need no key;
 * what the page asks for with them does.
 */
public final class Page {
  private static final String FOLDER = "/page/";
  private static final String INDEX = "index.html";
  private static final String SETUP = FOLDER + "setup.json";
  private static final List<String> FILES =
      List.of(
          "page.css",
          "icon.svg",
          "page.js",
          "api.js",
          "command.js",
          "dom.js",
          "form.js",
          "runs.js",
          "video.js");

  private Page() {}

  /**
   * What the page must know before it asks for anything.
   *
   * @param keys whether the service asks for one
   * @param runs whether there are training runs to show
   */
  public record Setup(boolean keys, boolean runs) {}

  /** The paths that need no key. */
  public static Set<String> paths() {
    var paths = new LinkedHashSet<String>(List.of("/", SETUP));
    FILES.forEach(file -> paths.add(FOLDER + file));
    return paths;
  }

  /** Adds the page to the paths of a service. */
  public static void mount(Routes routes, Setup setup) {
    add(routes, "/", INDEX);
    FILES.forEach(file -> add(routes, FOLDER + file, file));
    var known = JsonNodeFactory.instance.objectNode();
    known.put("keys", setup.keys);
    known.put("runs", setup.runs);
    routes.add("GET", SETUP, call -> Replies.json(call.response(), call.callback(), 200, known));
  }

  private static void add(Routes routes, String path, String file) {
    var body = new Replies.Body(200, type(file), text(file));
    routes.add("GET", path, call -> Replies.bytes(call.response(), call.callback(), body));
  }

  private static String text(String file) {
    URL resource = Resources.getResource(Page.class, file);
    try {
      return Resources.toString(resource, StandardCharsets.UTF_8);
    } catch (IOException damaged) {
      throw new UncheckedIOException(damaged);
    }
  }

  private static String type(String file) {
    return switch (file.substring(file.lastIndexOf('.'))) {
      case ".html" -> "text/html; charset=utf-8";
      case ".css" -> "text/css; charset=utf-8";
      case ".js" -> "text/javascript; charset=utf-8";
      default -> "image/svg+xml";
    };
  }
}
