package io.github.tpdiff.cli;

import io.github.tpdiff.lora.OpenedCheckpoint;
import io.github.tpdiff.lora.TrainedFiles;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What training gave, LoRAs or tensors in full, on a checkpoint, as options. */
public final class LoraOptions {
  @Mixin private LoraChoiceOptions chosen = new LoraChoiceOptions();

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "Tensors trained in full, in place of the checkpoint's own (default: none).")
  private Optional<Path> weights = Optional.empty();

  /** A checkpoint with tensors that were trained in full, on which LoRAs can be put. */
  public OpenedCheckpoint open(ModelRequest checkpoint) {
    return OpenedCheckpoint.open(checkpoint, weights, chosen.notes());
  }

  /** Tensors that were trained in full, if they are named. */
  public Optional<Path> weights() {
    return weights;
  }

  /** What was trained, read. */
  Trained read() {
    return new Trained(TrainedFiles.read(weights, choices(List.of())), chosen.notes());
  }

  /**
   * The LoRAs.
   *
   * @param asked by a request, where the options name none
   */
  public List<LoraChoice> choices(List<LoraChoice> asked) {
    return chosen.choices(asked);
  }

  /**
   * What was trained.
   *
   * @param notes says what of it is not used
   */
  record Trained(TrainedFiles files, ReadLoras.Notes notes) {
    /** The checkpoint with the LoRAs added into its weights. */
    VideoModel merged(VideoModel base) {
      return files.merged(base, notes);
    }

    /** The same with what changes in fp32, whatever its type is in the checkpoint. */
    VideoModel mergedInFp32(VideoModel base) {
      return files.merged(base, notes, type -> DType.F32);
    }
  }
}
