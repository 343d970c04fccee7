package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.serving.ModelOpener;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A checkpoint of any family, opened once, on which LoRAs are put as they are asked for; its
 * weights are shared by all that comes of it.
 */
public final class OpenedCheckpoint implements AutoCloseable {
  private final VideoModel base;
  private final ReadLoras.Notes notes;

  private OpenedCheckpoint(VideoModel base, ReadLoras.Notes notes) {
    this.base = base;
    this.notes = notes;
  }

  /** Opens a checkpoint as it is; what a LoRA has and it does not is left out without a word. */
  public static OpenedCheckpoint open(ModelRequest request) {
    return open(request, Optional.empty(), (file, tensors) -> {});
  }

  /**
   * Opens a checkpoint.
   *
   * @param weights tensors that were trained in full, in place of its own
   * @param notes told what of a LoRA is left out
   * @throws io.github.tpdiff.weights.CheckpointException if it belongs to no family, or a tensor is
   *     missing or misshapen
   */
  public static OpenedCheckpoint open(
      ModelRequest request, Optional<Path> weights, ReadLoras.Notes notes) {
    VideoModel published = Families.open(request);
    boolean isOpen = false;
    try {
      VideoModel base = TrainedFiles.read(weights, List.of()).beside(published, notes);
      isOpen = true;
      return new OpenedCheckpoint(base, notes);
    } finally {
      if (!isOpen) {
        published.close();
      }
    }
  }

  /**
   * The checkpoint with LoRAs beside its layers, in the stages that they were trained for. It is
   * closed with this.
   *
   * @throws IllegalArgumentException if one does not fit, or they were trained for different stages
   * @throws io.github.tpdiff.weights.CheckpointException if a file cannot be read, or a tensor of
   *     the checkpoint is missing or misshapen
   */
  public VideoModel with(List<LoraChoice> loras) {
    VideoModel model = TrainedFiles.read(Optional.empty(), loras).beside(base, notes);
    model.components().values().forEach(c -> ProgramWeights.check(c.program(), c.weights()));
    return model;
  }

  /**
   * What opens it for a service on an engine, which stays the caller's to close; closing the result
   * closes this.
   */
  public ModelOpener on(Engine engine) {
    return new ModelOpener() {
      @Override
      public PipelineParts open(List<LoraChoice> loras) {
        return PipelineParts.of(with(loras), engine);
      }

      @Override
      public void close() {
        OpenedCheckpoint.this.close();
      }
    };
  }

  @Override
  public void close() {
    base.close();
  }
}
