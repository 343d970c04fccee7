package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.IndentedJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
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
    FolderGuide guide = FolderGuide.of(model, request.precisions(), stages);
    Map<String, List<Component>> folders = new TreeMap<>();
    model
        .components()
        .values()
        .forEach(
            component -> {
              ProgramWeights.check(component.program(), component.weights());
              folders
                  .computeIfAbsent(
                      ComponentDescription.folderOf(component.name()), name -> new ArrayList<>())
                  .add(component);
            });
    for (Map.Entry<String, List<Component>> folder : folders.entrySet()) {
      writeGraphs(Files.createDirectory(root.resolve(folder.getKey())), folder.getValue());
    }
    writeDescriptions(folders, copyTokenizers(), stages);
    guide.write(root, request.loras());
  }

  private void writeGraphs(Path folder, List<Component> components) throws IOException {
    var placement = new FolderPlacement(folder, request.weights());
    var store = new WeightStore(folder, placement);
    var forms = new HashMap<String, GraphForm>();
    for (Component component : components) {
      Program program = component.program();
      Precision precision = request.precisions().of(component.name());
      var form = new GraphForm(request.flavour(), precision.products(), adaptable(component));
      forms.put(component.name(), form);
      WeightPlan plan = WeightPlan.of(program, precision).keepingF32(form.adaptable().tensors());
      store.use(program.weights().keySet(), component.weights(), plan);
    }
    Map<String, StoredWeight> stored = store.store();
    for (Component component : components) {
      var lowered =
          ProgramLowering.lower(
              component.program(),
              Objects.requireNonNull(forms.get(component.name())),
              name -> Objects.requireNonNull(stored.get(name)));
      try (OutputStream out =
          Files.newOutputStream(ExportedFolder.graphFile(root, component.name()))) {
        var guide = new FlowGuide(model, request.precisions()).graph(component);
        new GraphNotes(model.description().family(), guide).on(lowered).writeTo(out);
      }
    }
  }

  private Adaptable adaptable(Component component) {
    boolean open =
        request.loras() == ExportRequest.Loras.AT_RUN_TIME
            && model.description().flow().networks().contains(component.name());
    return open ? Adaptable.of(component.program()) : Adaptable.nothing();
  }

  /** Copies the files of every tokenizer that there is; their names. */
  private List<String> copyTokenizers() throws IOException {
    var copied = new ArrayList<String>();
    for (Map.Entry<String, Path> tokenizer : model.tokenizers().folders().entrySet()) {
      if (Files.isDirectory(tokenizer.getValue())) {
        Path target = Files.createDirectory(root.resolve(tokenizer.getKey()));
        try (Stream<Path> files = Files.list(tokenizer.getValue())) {
          for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
            Files.copy(file, target.resolve(String.valueOf(file.getFileName())));
          }
        }
        HuggingFaceTokenizer.completeFiles(target);
        copied.add(tokenizer.getKey());
      }
    }
    return copied;
  }

  private void writeDescriptions(
      Map<String, ?> folders, List<String> tokenizers, StageConfig stages) {
    Path scheduler = root.resolve(ExportedFolder.SCHEDULER);
    ModelDescription description = priced(model.description());
    writeJson(scheduler.resolve("scheduler_config.json"), description.scheduler());
    RecordJson.STAGES.write(scheduler.resolve(RecordJson.STAGES_FILE), stages);
    RecordJson.PIPELINE.write(root.resolve(RecordJson.PIPELINE_FILE), description);
    var index = new TreeMap<String, Object>();
    index.put("_class_name", "TpdiffPipeline");
    Object scheme = description.scheduler().get("_class_name");
    index.put("scheduler", List.of("diffusers", String.valueOf(scheme)));
    folders.keySet().forEach(name -> index.put(name, List.of("diffusers", "OnnxRuntimeModel")));
    tokenizers.forEach(name -> index.put(name, List.of("transformers", "PreTrainedTokenizerFast")));
    writeJson(root.resolve("model_index.json"), index);
  }

  /** With what the denoisers' activations take, which a graph does not tell. */
  private ModelDescription priced(ModelDescription description) {
    Flow flow = description.flow();
    ModelDescription.Latents geometry = description.latents();
    ModelDescription.Defaults size = description.defaults();
    var shape =
        new LatentShape(
            1,
            geometry.channels(),
            geometry.latentFrames(size.frames()),
            size.height() / geometry.spatialFactor(),
            size.width() / geometry.spatialFactor());
    return description.withFlow(
        flow.withDenoisers(
            flow.denoisers().stream()
                .map(
                    expert ->
                        model
                            .find(expert.component())
                            .map(component -> expert.withBytesPerLatent(bytes(component, shape)))
                            .orElse(expert))
                .toList()));
  }

  private double bytes(Component denoiser, LatentShape shape) {
    var cost = new CostModel(denoiser.program(), WeightSizes.of(denoiser.weights()));
    Map<String, long[]> inputs =
        NetworkInputs.shapes(denoiser.program(), model.description().flow(), shape);
    return (double) cost.price(inputs).peakBytes() / (shape.frames() * shape.pixels());
  }

  private static void writeJson(Path file, Map<String, ?> values) {
    String text = IndentedJson.write(new TreeMap<>(values)) + "\n";
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }
}
