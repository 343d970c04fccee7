package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.PipelineParts;
import io.github.tpdiff.runtime.pipeline.RecordJson;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.AtomicFolder;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
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
  static final String TOKENIZER = "tokenizer";
  static final String SCHEDULER = "scheduler";

  private final Path folder;
  private final OnnxEngine engine;
  private final PipelineDescription description;
  private final StageConfig stages;
  private Optional<Tokenizer> tokenizer = Optional.empty();

  private ExportedFolder(
      Path folder, OnnxEngine engine, PipelineDescription description, StageConfig stages) {
    this.folder = folder;
    this.engine = engine;
    this.description = description;
    this.stages = stages;
  }

  /**
   * Exports a model; the folder appears when it is complete. Memory use does not depend on the
   * model's size.
   *
   * @param target a folder that does not exist or is empty
   * @return the stages that the folder is made for
   * @throws IllegalArgumentException if the weights were trained for another number of stages
   * @throws CheckpointException if a weight is missing or misshapen, or the target cannot be
   *     written
   */
  public static Decided write(VideoModel model, Path target, ExportRequest request) {
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

  static Path graphFile(Path root, Role role, PipelineDescription model) {
    return root.resolve(role.path(model) + ".onnx");
  }

  @Override
  public PipelineDescription description() {
    return description;
  }

  /** The temporal pyramid that the model was exported for. */
  public StageConfig stages() {
    return stages;
  }

  /** The same, which an export always says. */
  @Override
  public Optional<StageConfig> madeFor() {
    return Optional.of(stages);
  }

  @Override
  public Set<Role> roles() {
    var roles = EnumSet.noneOf(Role.class);
    Arrays.stream(Role.values())
        .filter(role -> Files.isRegularFile(graphFile(folder, role, description)))
        .forEach(roles::add);
    return Collections.unmodifiableSet(roles);
  }

  /**
   * Opens every graph as it was written with strict shape inference, and closes it.
   *
   * @throws OnnxException naming the first graph that does not pass
   */
  public void check() {
    roles().forEach(role -> engine.check(graphFile(folder, role, description)));
  }

  @Override
  public Executable load(Role role) {
    try {
      return new ExportedGraph(engine.open(graphFile(folder, role, description)));
    } catch (OnnxException damaged) {
      throw new CheckpointException(damaged.getMessage() + ExportedGraph.REMEDY, damaged);
    }
  }

  @Override
  public synchronized Tokenizer tokenizer() {
    if (tokenizer.isEmpty()) {
      try {
        tokenizer = Optional.of(HuggingFaceTokenizer.open(folder.resolve(TOKENIZER), tokens()));
      } catch (IOException failure) {
        throw new CheckpointException(String.valueOf(failure.getMessage()), failure);
      }
    }
    return tokenizer.orElseThrow();
  }

  /** How many tokens the text encoder knows. */
  private long tokens() {
    Path encoder = graphFile(folder, Role.TEXT_ENCODER, description);
    return Files.isRegularFile(encoder)
        ? GraphFile.read(encoder).rows("input_ids").orElse(Long.MAX_VALUE)
        : Long.MAX_VALUE;
  }

  @Override
  public synchronized void close() {
    tokenizer.ifPresent(Tokenizer::close);
    tokenizer = Optional.empty();
  }
}
