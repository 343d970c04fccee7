package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ConfigException;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a path holds, as fields to print. */
final class Inspection {
  private static final List<String> VAE =
      List.of(ComponentDescription.VAE_ENCODER, ComponentDescription.VAE_DECODER);
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
    describe(fields, description);
    Path stages = path.resolve("scheduler").resolve(RecordJson.STAGES_FILE);
    fields.put("stages", StageInspection.fields(RecordJson.STAGES.read(stages)));
    Map<Boolean, List<String>> graphs =
        description.flow().components().stream()
            .map(component -> ComponentDescription.graph(component.name()))
            .collect(Collectors.partitioningBy(graph -> Files.isRegularFile(path.resolve(graph))));
    fields.put("graphs", graphs.getOrDefault(true, List.of()));
    fields.put("absent", graphs.getOrDefault(false, List.of()));
    fields.put("bytes", bytes(path));
    fields.put("use", List.of("tpdiff run"));
    fields.put("try", FlowInspection.command("run", path, description.flow()));
    return fields;
  }

  /** What is made of prompts where nothing else is said. */
  private static void describe(Map<String, Object> fields, ModelDescription description) {
    ModelDescription.Defaults defaults = description.defaults();
    fields.put("family", description.family());
    ModelFamily.all().stream()
        .filter(family -> family.name().equals(description.family()))
        .map(family -> family.model(description))
        .filter(model -> !model.equals(description.family()))
        .forEach(model -> fields.put("model", model));
    fields.putAll(FlowInspection.of(description.flow()));
    var video = new LinkedHashMap<String, Object>();
    video.put("width", defaults.width());
    video.put("height", defaults.height());
    video.put("frames", defaults.frames());
    video.put("fps", defaults.fps());
    fields.put("video", video);
    var sampling = new LinkedHashMap<String, Object>();
    sampling.put("steps", defaults.steps());
    sampling.put("guidance", defaults.guidanceScale());
    defaults.sigmas().ifPresent(levels -> sampling.put("sigmas", levels.toString()));
    defaults.timesteps().ifPresent(levels -> sampling.put("timesteps", levels.toString()));
    if (!defaults.stageGuidance().isEmpty()) {
      sampling.put("stage_guidance", defaults.stageGuidance());
    }
    defaults
        .guidanceInterval()
        .ifPresent(levels -> sampling.put("guidance_interval", levels.toString()));
    sampling.put(
        "scheduler",
        Objects.requireNonNullElse(description.scheduler().get("_class_name"), "no scheduler"));
    fields.put("sampling", sampling);
    fields.put("schedulers", names(description.schedulers()));
    ModelDescription.Latents latents = description.latents();
    var geometry = new LinkedHashMap<String, Object>();
    geometry.put("channels", latents.channels());
    geometry.put("pixels", latents.spatialFactor());
    geometry.put("frames", latents.temporalFactor());
    geometry.put("first_frame_alone", latents.sharedFirstFrame());
    geometry.put("most_frames", latents.maxFrames());
    fields.put("latents", geometry);
    fields.put("sizes in multiples of", latents.sizeMultiple());
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
    fields.put("use", List.of("data.cache of a job"));
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

  /**
   * A part of a model looks like the model; what it holds is told by its tensors then.
   *
   * @throws ConfigException if a configuration is no model's
   */
  private static Map<String, Object> modelOrParts(ModelRequest request, ModelFamily family) {
    try {
      return model(request, family);
    } catch (ConfigException broken) {
      throw broken;
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
    fields.put("layout", TensorInspection.layouts(request.path()));
    try (VideoModel model = family.open(request)) {
      describe(fields, model.description());
      if (!family.settings().isEmpty()) {
        fields.put("settings", family.settings());
      }
      fields.put(COMPONENTS, components(model.components()));
      List<String> absent =
          model.description().flow().components().stream()
              .map(ComponentDescription::name)
              .filter(name -> model.find(name).isEmpty())
              .toList();
      if (!absent.isEmpty()) {
        fields.put("absent", absent.stream().map(Inspection::part).distinct().toList());
      }
      if (complete(fields)) {
        List<String> uses = uses(model);
        fields.put("use", uses);
        if (uses.contains("tpdiff generate")) {
          Flow flow = model.description().flow();
          fields.put("try", FlowInspection.command("generate", request.path(), flow));
        }
      }
    }
    return fields;
  }

  /** The commands that take a checkpoint of these components. */
  private static List<String> uses(VideoModel model) {
    Set<String> present = model.components().keySet();
    Flow flow = model.description().flow();
    var uses = new ArrayList<String>();
    if (present.containsAll(flow.generating())) {
      uses.addAll(List.of("tpdiff generate", "tpdiff export"));
    }
    if (present.containsAll(flow.training())) {
      uses.add("tpdiff train");
    }
    uses.add("tpdiff convert");
    return uses;
  }

  /** Programs that share a file are told together. */
  private static Map<String, Object> components(Map<String, Component> components) {
    var parts = new LinkedHashMap<String, List<Component>>();
    components.forEach(
        (name, c) -> parts.computeIfAbsent(part(name), p -> new ArrayList<>()).add(c));
    var fields = new LinkedHashMap<String, Object>();
    parts.forEach((name, programs) -> fields.put(name, part(programs)));
    return fields;
  }

  /** What a program is a part of, for those who know files and not programs. */
  private static String part(String component) {
    String folder = ComponentDescription.folderOf(component);
    return VAE.contains(folder) ? "vae" : folder.replace('_', ' ');
  }

  private static Map<String, Object> part(List<Component> programs) {
    TensorSource weights = programs.get(0).weights();
    Map<String, Object> fields = TensorInspection.summary(weights);
    var used = new HashSet<String>();
    var missing = new TreeSet<String>();
    var faults = new TreeMap<String, String>();
    for (Component program : programs) {
      used.addAll(program.program().weights().keySet());
      missing.addAll(missing(program));
      faults.putAll(faults(program));
    }
    if (!missing.isEmpty()) {
      fields.put(MISSING, List.copyOf(missing));
    }
    if (!faults.isEmpty()) {
      fields.put(UNUSABLE, faults);
    }
    List<String> over = weights.names().stream().filter(name -> !used.contains(name)).toList();
    if (!over.isEmpty()) {
      fields.put("not used", over);
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

  private static List<String> missing(Component component) {
    return component.program().weights().keySet().stream()
        .filter(name -> component.weights().find(name).isEmpty())
        .toList();
  }
}
