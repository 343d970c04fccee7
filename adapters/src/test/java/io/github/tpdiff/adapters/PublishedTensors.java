package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Names and shapes of published checkpoints, as listed by the code that published them. */
public final class PublishedTensors {
  private PublishedTensors() {}

  /** Shapes by name, such as {@code [8, 4]}. */
  public static Map<String, String> listed(String resource) {
    var shapes = new TreeMap<String, String>();
    try (var in = PublishedTensors.class.getResourceAsStream("/" + resource)) {
      var text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      text.lines().forEach(line -> shapes.put(line.split(" ", 2)[0], line.split(" ", 2)[1]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return shapes;
  }

  /** What programs read, in the same form. */
  public static Map<String, String> of(List<Program> programs) {
    var shapes = new TreeMap<String, String>();
    for (Program program : programs) {
      program
          .weights()
          .forEach(
              (name, value) -> shapes.put(name, Arrays.toString(value.shape().evaluate(Map.of()))));
    }
    return shapes;
  }
}
