package io.github.tpdiff.conformance.golden;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A case folder: {@code case.json}, {@code io.safetensors}, and checkpoint files. It remembers what
 * was read of it, see {@link #unread}.
 */
public final class GoldenCase implements AutoCloseable {
  private static final String DESCRIPTION = "case.json";
  private static final String INPUT = "in.";
  static final String TENSORS = "io.safetensors";

  /** What is there for people: names, where the case comes from and what it is for. */
  private static final List<String> FOR_PEOPLE =
      List.of("case", "component", "made_with", "description", "policy");

  /** How far references are from the same in fp64: for orientation. */
  private static final String MEASURED = "measured_";

  /** Python writes infinities into JSON. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final Path folder;
  private final Arguments description;
  private final TensorSource tensors;
  private final Set<String> inputsRead = new TreeSet<>();
  private final Map<String, Arguments> files = new LinkedHashMap<>();

  private GoldenCase(Path folder, Arguments description, TensorSource tensors) {
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
    var description = Arguments.of(DESCRIPTION, json(folder.resolve(DESCRIPTION)));
    FOR_PEOPLE.forEach(description::passOver);
    Path values = folder.resolve(TENSORS);
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
    return description.text("family");
  }

  public String kind() {
    return description.text("kind");
  }

  /** {@code args}. */
  public Arguments args() {
    return description.group("args");
  }

  /** {@code tolerance}. */
  public Arguments tolerance() {
    Arguments tolerance = description.group("tolerance");
    tolerance.names().stream()
        .filter(name -> name.startsWith(MEASURED))
        .forEach(tolerance::passOver);
    return tolerance;
  }

  public Limits limits() {
    return Limits.of(tolerance());
  }

  /** The limits in words: those that are relative, or whatever else the case names. */
  public String limitsText() {
    Arguments tolerance = tolerance();
    return tolerance.names().contains(Limits.MAX) ? limits().toString() : tolerance.text();
  }

  public Path folder() {
    return folder;
  }

  /** A path that the case names, relative to its folder. */
  public Path path(String relative) {
    return folder.resolve(relative).normalize();
  }

  /** What {@code args.checkpoint} points at. */
  public Path checkpoint() {
    return path(args().text("checkpoint"));
  }

  /** What {@code args.checkpoints} points at, else {@code args.checkpoint} alone. */
  public List<Path> checkpoints() {
    var found = new ArrayList<Path>();
    args()
        .findGroup("checkpoints")
        .ifPresent(forms -> forms.names().forEach(form -> found.add(path(forms.text(form)))));
    // Beside several, the one is among them.
    args()
        .findText("checkpoint")
        .map(this::path)
        .filter(one -> !found.contains(one))
        .ifPresent(found::add);
    return found.isEmpty() ? List.of(checkpoint()) : found;
  }

  /** A JSON file of the case that lists something. */
  public Arguments file(String path) {
    return files.computeIfAbsent(path, name -> Arguments.of(name, json(folder.resolve(name))));
  }

  /** {@code io.safetensors}. */
  public TensorSource tensors() {
    return tensors;
  }

  /** The runs of {@code args.runs}, given by name or by description; one without a name if none. */
  public List<GoldenRun> runs() {
    List<GoldenRun> runs =
        args().entries("runs").stream()
            .map(run -> new GoldenRun(this, run.text("name") + ".", run))
            .toList();
    return runs.isEmpty() ? List.of(whole()) : runs;
  }

  /** The whole case as one run, for tensors without a run's name. */
  public GoldenRun whole() {
    return new GoldenRun(this, "", args());
  }

  boolean readsInput(String name) {
    boolean there = tensors.names().contains(name);
    if (there) {
      inputsRead.add(name);
    }
    return there;
  }

  /** What the case says and nobody has read: arguments, tolerances, inputs. A line each. */
  public List<String> unread() {
    var unread = new ArrayList<String>(description.unread());
    files.values().forEach(file -> unread.addAll(file.unread()));
    tensors.names().stream()
        .filter(name -> name.startsWith(INPUT) && !inputsRead.contains(name))
        .map(
            name ->
                TENSORS
                    + ": %s: is not known to this kind of case%s"
                        .formatted(
                            name,
                            NearestName.of(name, inputsRead)
                                .map(near -> "; the nearest known is " + near)
                                .orElse("")))
        .forEach(unread::add);
    return unread;
  }

  @Override
  public void close() {
    tensors.close();
  }
}
