package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.RecordJson;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.IndentedJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Fills a folder with an exported model. */
final class FolderWriter {
  private final VideoModel model;
  private final ExportRequest request;
  private final Path root;

  FolderWriter(VideoModel model, ExportRequest request, Path root) {
    this.model = model;
    this.request = request;
    this.root = root;
  }

  void write(StageConfig stages) throws IOException {
    Map<String, Map<Role, Component>> folders = new TreeMap<>();
    model
        .components()
        .forEach(
            (role, component) -> {
              ProgramWeights.check(component.program(), component.weights());
              folders
                  .computeIfAbsent(folderOf(role), name -> new EnumMap<>(Role.class))
                  .put(role, component);
            });
    for (Map.Entry<String, Map<Role, Component>> folder : folders.entrySet()) {
      writeGraphs(Files.createDirectory(root.resolve(folder.getKey())), folder.getValue());
    }
    copyTokenizer();
    writeDescriptions(folders, stages);
  }

  private String folderOf(Role role) {
    String path = role.path(model.description());
    return path.substring(0, path.indexOf('/'));
  }

  private void writeGraphs(Path folder, Map<Role, Component> components) throws IOException {
    var placement = new FolderPlacement(folder, request.weights());
    var store = new WeightStore(folder, request.precision(), placement);
    components
        .values()
        .forEach(
            component -> store.use(component.program().weights().keySet(), component.weights()));
    Map<String, StoredWeight> stored = store.store();
    for (Map.Entry<Role, Component> entry : components.entrySet()) {
      Program program = entry.getValue().program();
      var lowered =
          ProgramLowering.lower(
              program, request.flavour(), name -> Objects.requireNonNull(stored.get(name)));
      try (OutputStream out =
          Files.newOutputStream(
              ExportedFolder.graphFile(root, entry.getKey(), model.description()))) {
        lowered.writeTo(out);
      }
    }
  }

  private void copyTokenizer() throws IOException {
    Path source = model.tokenizerFolder();
    if (!Files.isDirectory(source)) {
      return;
    }
    Path target = Files.createDirectory(root.resolve(ExportedFolder.TOKENIZER));
    try (Stream<Path> files = Files.list(source)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        Files.copy(file, target.resolve(String.valueOf(file.getFileName())));
      }
    }
  }

  private void writeDescriptions(Map<String, ?> folders, StageConfig stages) {
    Path scheduler = root.resolve(ExportedFolder.SCHEDULER);
    writeJson(scheduler.resolve("scheduler_config.json"), model.description().scheduler());
    RecordJson.STAGES.write(scheduler.resolve(RecordJson.STAGES_FILE), stages);
    RecordJson.PIPELINE.write(root.resolve(RecordJson.PIPELINE_FILE), model.description());
    var index = new TreeMap<String, Object>();
    index.put("_class_name", "TpdiffPipeline");
    Object scheme = model.description().scheduler().get("_class_name");
    index.put("scheduler", List.of("diffusers", String.valueOf(scheme)));
    folders.keySet().forEach(name -> index.put(name, List.of("diffusers", "OnnxRuntimeModel")));
    if (Files.isDirectory(root.resolve(ExportedFolder.TOKENIZER))) {
      index.put(ExportedFolder.TOKENIZER, List.of("transformers", "PreTrainedTokenizerFast"));
    }
    writeJson(root.resolve("model_index.json"), index);
  }

  private static void writeJson(Path file, Map<String, ?> values) {
    String text = IndentedJson.write(new TreeMap<>(values)) + "\n";
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }
}
