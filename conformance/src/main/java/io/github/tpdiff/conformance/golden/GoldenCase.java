package io.github.tpdiff.conformance.golden;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A case folder: {@code case.json}, {@code io.safetensors}, and checkpoint files. */
public final class GoldenCase implements AutoCloseable {
  /** Python writes infinities into JSON. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final Path folder;
  private final JsonNode description;
  private final TensorSource tensors;

  private GoldenCase(Path folder, JsonNode description, TensorSource tensors) {
    this.folder = folder;
    this.description = description;
    this.tensors = tensors;
  }

  /**
   * Opens a case folder; a case without {@code io.safetensors} has no tensors.
   *
   * @throws CaseException if {@code case.json} cannot be read
   */
  public static GoldenCase open(Path folder) {
    JsonNode description = json(folder.resolve("case.json"));
    Path values = folder.resolve("io.safetensors");
    return new GoldenCase(
        folder,
        description,
        Files.exists(values) ? SafetensorsFile.open(values) : MemoryTensors.builder().build());
  }

  private static JsonNode json(Path file) {
    try {
      return JSON.readTree(file.toFile());
    } catch (IOException failure) {
      throw new CaseException(file + ": cannot be read: " + firstLine(failure), failure);
    }
  }

  private static String firstLine(Throwable failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }

  public String family() {
    return text("family");
  }

  public String kind() {
    return text("kind");
  }

  private String text(String field) {
    JsonNode value = description.path(field);
    if (!value.isTextual()) {
      throw new CaseException(
          folder.resolve("case.json") + ": " + field + ": expected a text, found " + value);
    }
    return value.asText();
  }

  public JsonNode args() {
    return description.path("args");
  }

  /**
   * An argument that must be there.
   *
   * @throws CaseException if it is not
   */
  public JsonNode arg(String name) {
    return require(args(), name);
  }

  /** A field of {@code node} that must be there. */
  public JsonNode require(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (value.isMissingNode() || value.isNull()) {
      throw new CaseException(folder.resolve("case.json") + ": args: " + field + " is missing");
    }
    return value;
  }

  public JsonNode tolerance() {
    return description.path("tolerance");
  }

  public Limits limits() {
    return Limits.of(tolerance());
  }

  public Path folder() {
    return folder;
  }

  /** What {@code args.checkpoint} points at. */
  public Path checkpoint() {
    return folder.resolve(arg("checkpoint").asText()).normalize();
  }

  /** A JSON file of the case. */
  public JsonNode file(String path) {
    return json(folder.resolve(path));
  }

  /** {@code io.safetensors}. */
  public TensorSource tensors() {
    return tensors;
  }

  /** The runs of {@code args.runs}, given by name or by description; one without a name if none. */
  public List<GoldenRun> runs() {
    var runs = new ArrayList<GoldenRun>();
    for (JsonNode run : args().path("runs")) {
      String name = run.isObject() ? require(run, "name").asText() : run.asText();
      runs.add(new GoldenRun(this, name + ".", run));
    }
    return runs.isEmpty() ? List.of(new GoldenRun(this, "", args())) : List.copyOf(runs);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
