package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.serving.ModelOpener;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.AtomicFolder;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model exported to ONNX graphs, with everything that inference needs beside them.
 *
 * <p>Graphs lie where ONNX exports of diffusion pipelines have them ({@code
 * transformer/model.onnx}, {@code vae_decoder/model.onnx}, …), their weights in files of the same
 * folder.
 */
public final class ExportedFolder implements PipelineParts {
  static final String SCHEDULER = "scheduler";

  private final Path folder;
  private final OnnxEngine engine;
  private final ModelDescription description;
  private final StageConfig stages;
  private final Tokenizers tokenizers;

  private ExportedFolder(
      Path folder, OnnxEngine engine, ModelDescription description, StageConfig stages) {
    this.folder = folder;
    this.engine = engine;
    this.description = description;
    this.stages = stages;
    this.tokenizers = new Tokenizers(tokenizerFiles());
  }

  /**
   * Exports a model; the folder appears when it is complete. Memory use does not depend on the
   * model's size.
   *
   * @param target a folder that does not exist or is empty
   * @return the stages that the folder is made for
   * @throws IllegalArgumentException if the weights were trained for another number of stages, or a
   *     precision is of no component
   * @throws CheckpointException if a weight is missing or misshapen, or the target cannot be
   *     written
   */
  public static Decided write(VideoModel model, Path target, ExportRequest request) {
    request.precisions().requireNamesOf(model.components().keySet());
    Decided decided = model.stages(request.stages());
    NoiseSchedule schedule = Scheduler.fromConfig(model.description().scheduler()).schedule();
    StageConfig fixed = StagePlan.fixed(decided.stages(), schedule);
    try (var folder = AtomicFolder.create(target)) {
      new FolderWriter(model, request, folder.path()).write(fixed);
      folder.commit();
      return decided;
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(target, AtomicFile.reason(failure)), failure);
    }
  }

  /** True if {@code folder} looks like an exported model. */
  public static boolean recognises(Path folder) {
    return Files.isRegularFile(folder.resolve(RecordJson.PIPELINE_FILE));
  }

  /**
   * Opens an exported model; graphs are opened when they are asked for.
   *
   * @param engine stays the caller's to close
   * @throws CheckpointException if the folder holds no exported model
   */
  public static ExportedFolder open(Path folder, OnnxEngine engine) {
    if (!recognises(folder)) {
      throw new CheckpointException(
          "%s: expected an exported model with %s, found none"
              .formatted(folder, RecordJson.PIPELINE_FILE));
    }
    return new ExportedFolder(
        folder,
        engine,
        RecordJson.PIPELINE.read(folder.resolve(RecordJson.PIPELINE_FILE)),
        RecordJson.STAGES.read(folder.resolve(SCHEDULER).resolve(RecordJson.STAGES_FILE)));
  }

  /**
   * What opens an exported model for a service, again and again; what a LoRA has and the model does
   * not is left out without a word.
   *
   * @param engine stays the caller's to close
   */
  public static ModelOpener opener(Path folder, OnnxEngine engine) {
    return opener(folder, engine, ReadLoras.Notes.none());
  }

  /**
   * The same.
   *
   * @param notes told what of a LoRA is left out
   */
  public static ModelOpener opener(Path folder, OnnxEngine engine, ReadLoras.Notes notes) {
    return loras -> {
      ExportedFolder exported = open(folder, engine);
      return loras.isEmpty() ? exported : exported.with(ReadLoras.read(loras), notes);
    };
  }

  /**
   * The model with LoRAs, in the stages that they were trained for. Whatever is loaded of one set
   * of LoRAs is as good for another.
   *
   * @param notes told what of a LoRA is left out
   * @throws IllegalArgumentException if a LoRA does not fit, or the model was not exported to take
   *     LoRAs, or not of this kind
   * @throws CheckpointException if a tensor has another shape here
   */
  public PipelineParts with(ReadLoras loras, ReadLoras.Notes notes) {
    return AdaptedParts.of(this, loras, notes);
  }

  /** The graph of a component, read. */
  GraphFile graph(String component) {
    return GraphFile.read(graphFile(folder, component));
  }

  static Path graphFile(Path root, String component) {
    return root.resolve(ComponentDescription.graph(component));
  }

  @Override
  public ModelDescription description() {
    return description;
  }

  /** The stages that the model was exported for. */
  public StageConfig stages() {
    return stages;
  }

  /** The same, which an export always says. */
  @Override
  public Optional<StageConfig> madeFor() {
    return Optional.of(stages);
  }

  @Override
  public Set<String> components() {
    var present = new LinkedHashSet<String>();
    description.flow().components().stream()
        .map(ComponentDescription::name)
        .filter(name -> Files.isRegularFile(graphFile(folder, name)))
        .forEach(present::add);
    return Collections.unmodifiableSet(present);
  }

  @Override
  public String origin() {
    return folder.toString();
  }

  /**
   * Opens every graph as it was written with strict shape inference, and closes it.
   *
   * @throws OnnxException naming the first graph that does not pass
   */
  public void check() {
    components().forEach(name -> engine.check(graphFile(folder, name)));
  }

  @Override
  public Executable load(String component) {
    Path file = graphFile(folder, component);
    try {
      Executable graph = new ExportedGraph(engine.open(file));
      return CountingGraph.is(file, graph.inputNames()) ? new CountingGraph(file, graph) : graph;
    } catch (OnnxException damaged) {
      throw new CheckpointException(damaged.getMessage() + ExportedGraph.REMEDY, damaged);
    }
  }

  @Override
  public long bytes(String component) {
    return graph(component).weightBytes();
  }

  private record Loaded(OnnxEngine engine, Path graph) {}

  @Override
  public Object identity(String component) {
    return new Loaded(engine, graphFile(folder, component));
  }

  @Override
  public boolean allows(String denoiser, LatentShape shape) {
    return description.flow().denoisers().stream()
        .filter(expert -> expert.component().equals(denoiser))
        .flatMap(expert -> expert.bytesPerLatent().stream())
        .anyMatch(
            bytes ->
                engine.allows((long) (bytes * shape.batch() * shape.frames() * shape.pixels())));
  }

  @Override
  public boolean batchesPay() {
    return engine.batchesPay();
  }

  @Override
  public Tokenizer tokenizer(String name) {
    return tokenizers.get(name);
  }

  private Map<String, Tokenizers.Files> tokenizerFiles() {
    var files = new HashMap<String, Tokenizers.Files>();
    for (Text text : description.flow().texts()) {
      files.put(
          text.tokenizer(),
          new Tokenizers.Files(folder.resolve(text.tokenizer()), embeddings(text.ids())));
    }
    return files;
  }

  /** How many tokens the encoders that read a value have embeddings for. */
  private long embeddings(String ids) {
    long fewest = Long.MAX_VALUE;
    for (ComponentDescription component : description.flow().components()) {
      Path graph = graphFile(folder, component.name());
      for (Map.Entry<String, String> read : component.reads().entrySet()) {
        if (read.getValue().equals(ids) && Files.isRegularFile(graph)) {
          fewest =
              Math.min(fewest, GraphFile.read(graph).rows(read.getKey()).orElse(Long.MAX_VALUE));
        }
      }
    }
    return fewest;
  }

  @Override
  public void close() {
    tokenizers.close();
  }
}
