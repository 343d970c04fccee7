package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.ModelFamily;
import io.github.tpdiff.runtime.pipeline.ModelRequest;
import io.github.tpdiff.runtime.pipeline.RecordJson;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a path holds, as fields to print. */
final class Inspection {
  private static final String COMPONENTS = "components";
  static final String MISSING = "missing";
  private static final String UNUSABLE = "unusable";
  private static final String CACHED_LATENTS = "latents";

  private Inspection() {}

  /**
   * Looks at a model folder, an exported folder, a cache, or one file of tensors.
   *
   * @throws CheckpointException if it is none of them
   */
  static Map<String, Object> of(ModelRequest request) throws IOException {
    Path path = request.path();
    if (Files.isDirectory(path)) {
      // First: an export's folders are named as a checkpoint's.
      if (ExportedFolder.recognises(path)) {
        return export(path);
      }
      Optional<ModelFamily> family =
          ModelFamily.all().stream().filter(candidate -> candidate.recognises(path)).findFirst();
      if (family.isPresent()) {
        return modelOrParts(request, family.get());
      }
      if (Files.isDirectory(path.resolve(CACHED_LATENTS))) {
        return cache(path);
      }
    }
    return TensorInspection.of(path);
  }

  /** Whether nothing that the model needs is missing. */
  static boolean complete(Map<?, ?> fields) {
    return !fields.containsKey(MISSING)
        && !fields.containsKey(UNUSABLE)
        && fields.values().stream()
            .noneMatch(value -> value instanceof Map<?, ?> nested && !complete(nested));
  }

  private static Map<String, Object> export(Path path) throws IOException {
    var description = RecordJson.PIPELINE.read(path.resolve(RecordJson.PIPELINE_FILE));
    var fields = new LinkedHashMap<String, Object>();
    fields.put("path", path.toString());
    fields.put("kind", "export");
    fields.put("family", description.family());
    fields.put("defaults", description.defaults().toString());
    fields.put("latents", description.latents().toString());
    fields.put("scheduler", description.scheduler());
    fields.put("schedulers", names(description.schedulers()));
    Map<Boolean, List<String>> graphs =
        Arrays.stream(Role.values())
            .map(role -> role.path(description) + ".onnx")
            .collect(Collectors.partitioningBy(graph -> Files.isRegularFile(path.resolve(graph))));
    fields.put("graphs", graphs.getOrDefault(true, List.of()));
    fields.put("absent", graphs.getOrDefault(false, List.of()));
    fields.put("bytes", bytes(path));
    return fields;
  }

  private static List<String> names(Map<String, ?> named) {
    return named.keySet().stream().sorted().toList();
  }

  private static Map<String, Object> cache(Path path) throws IOException {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("path", path.toString());
    fields.put("kind", "cache");
    var shapes = new TreeMap<String, Integer>();
    for (Path file : files(path.resolve(CACHED_LATENTS))) {
      try (TensorSource clips = SafetensorsFile.open(file)) {
        clips
            .names()
            .forEach(n -> shapes.merge(clips.require(n).shape().toString(), 1, Integer::sum));
      }
    }
    fields.put("clips by latent shape", shapes);
    fields.put("captions", files(path.resolve("captions")).size());
    fields.put("bytes", bytes(path));
    return fields;
  }

  private static List<Path> files(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static long bytes(Path folder) throws IOException {
    long bytes = 0;
    for (Path file : files(folder)) {
      bytes += Files.size(file);
    }
    return bytes;
  }

  /** A part of a model looks like the model; what it holds is told by its tensors then. */
  private static Map<String, Object> modelOrParts(ModelRequest request, ModelFamily family) {
    try {
      return model(request, family);
    } catch (CheckpointException notWhole) {
      Map<String, Object> fields = TensorInspection.of(request.path());
      fields.put("no whole model", notWhole.getMessage());
      return fields;
    }
  }

  private static Map<String, Object> model(ModelRequest request, ModelFamily family) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("path", request.path().toString());
    request.parts().forEach((name, path) -> fields.put("part " + name, path.toString()));
    fields.put("kind", "checkpoint");
    fields.put("family", family.name());
    fields.put("layout", TensorInspection.layouts(request.path()));
    try (VideoModel model = family.open(request)) {
      fields.put("defaults", model.description().defaults().toString());
      fields.put("latents", model.description().latents().toString());
      fields.put("schedulers", names(model.description().schedulers()));
      if (!family.settings().isEmpty()) {
        fields.put("settings", family.settings());
      }
      fields.put(COMPONENTS, components(model.components()));
      Set<Role> absent = Role.missing(model.components().keySet());
      if (!absent.isEmpty()) {
        fields.put("absent", absent.stream().sorted().map(Role::label).toList());
      }
    }
    return fields;
  }

  private static Map<String, Object> components(Map<Role, Component> components) {
    var byRole = new EnumMap<Role, Component>(Role.class);
    byRole.putAll(components);
    var used = new LinkedHashMap<String, Set<String>>();
    byRole
        .values()
        .forEach(
            component ->
                used.computeIfAbsent(component.weights().origin(), origin -> new HashSet<>())
                    .addAll(component.program().weights().keySet()));
    var fields = new LinkedHashMap<String, Object>();
    var described = new HashSet<String>();
    byRole.forEach(
        (role, component) -> {
          TensorSource weights = component.weights();
          // Programs that share a file are described once, by the first of them.
          if (described.add(weights.origin())) {
            fields.put(
                role.label(),
                component(weights, used.getOrDefault(weights.origin(), Set.of()), component));
          } else {
            var lacking = new LinkedHashMap<String, Object>();
            missing(component).ifPresent(names -> lacking.put(MISSING, names));
            if (!faults(component).isEmpty()) {
              lacking.put(UNUSABLE, faults(component));
            }
            if (!lacking.isEmpty()) {
              fields.put(role.label(), lacking);
            }
          }
        });
    return fields;
  }

  private static Map<String, Object> component(
      TensorSource weights, Collection<String> used, Component component) {
    Map<String, Object> fields = TensorInspection.summary(weights);
    missing(component).ifPresent(names -> fields.put(MISSING, names));
    Map<String, String> faults = faults(component);
    if (!faults.isEmpty()) {
      fields.put(UNUSABLE, faults);
    }
    List<String> over = weights.names().stream().filter(name -> !used.contains(name)).toList();
    if (!over.isEmpty()) {
      fields.put("left over", over);
    }
    return fields;
  }

  /** What is wrong with tensors that are there. */
  private static Map<String, String> faults(Component component) {
    var faults = new TreeMap<String, String>();
    component
        .program()
        .weights()
        .forEach(
            (name, weight) ->
                component
                    .weights()
                    .find(name)
                    .flatMap(info -> ProgramWeights.findFault(info, weight))
                    .ifPresent(fault -> faults.put(name, fault)));
    return faults;
  }

  private static Optional<List<String>> missing(Component component) {
    var names = new ArrayList<String>();
    for (Map.Entry<String, Value> weight : component.program().weights().entrySet()) {
      if (component.weights().find(weight.getKey()).isEmpty()) {
        names.add(weight.getKey());
      }
    }
    return names.isEmpty() ? Optional.empty() : Optional.of(names);
  }
}
