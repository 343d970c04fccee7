package io.github.tpdiff.cli;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.lora.OpenedCheckpoint;
import io.github.tpdiff.lora.TrainedFiles;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.weights.DType;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What training gave, LoRAs or tensors in full, on a checkpoint, as options. */
public final class LoraOptions {
  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec command;

  @Option(
      names = "--lora",
      paramLabel = "LORA",
      description =
          "A LoRA file or PEFT folder; several are put on in their order (default: none).")
  private List<Path> loras = List.of();

  @Option(
      names = "--lora-strength",
      split = ",",
      paramLabel = "FACTOR",
      description = "Factor on the LoRAs, one for all or one for each (default 1).")
  private List<Double> strengths = List.of();

  @Option(
      names = "--lora-denoiser",
      split = ",",
      paramLabel = "NAME",
      description =
          "Which denoiser the LoRAs are for, one for all or one for each, where the model has"
              + " several: high_noise or low_noise (default: what the files say).")
  private List<String> denoisers = List.of();

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "Tensors trained in full, in place of the checkpoint's own (default: none).")
  private Optional<Path> weights = Optional.empty();

  /** A checkpoint with tensors that were trained in full, on which LoRAs can be put. */
  public OpenedCheckpoint open(ModelRequest checkpoint) {
    return OpenedCheckpoint.open(checkpoint, weights, notes());
  }

  /** Tensors that were trained in full, if they are named. */
  public Optional<Path> weights() {
    return weights;
  }

  /** What was trained, read. */
  Trained read() {
    return new Trained(TrainedFiles.read(weights, choices(List.of())), notes());
  }

  private TrainedFiles.Notes notes() {
    return (file, tensors) -> LoraCommand.leftOut(err(), file, tensors);
  }

  /**
   * The LoRAs.
   *
   * @param asked by a request, where the options name none
   */
  public List<LoraChoice> choices(List<LoraChoice> asked) {
    requireOneOrEach("--lora-strength", strengths);
    requireOneOrEach("--lora-denoiser", denoisers);
    var choices = new ArrayList<LoraChoice>();
    for (int i = 0; i < loras.size(); i++) {
      choices.add(new LoraChoice(loras.get(i), at(strengths, i), at(denoisers, i)));
    }
    return loras.isEmpty() ? asked : choices;
  }

  private PrintWriter err() {
    return requireNonNull(command).commandLine().getErr();
  }

  private void requireOneOrEach(String option, List<?> values) {
    if (values.size() > 1 && values.size() != loras.size()) {
      throw new IllegalArgumentException(
          "%s: expected one value, or one for each of %d LoRAs, found %s"
              .formatted(option, loras.size(), values));
    }
  }

  private static <T> Optional<T> at(List<T> values, int index) {
    return values.isEmpty()
        ? Optional.empty()
        : Optional.of(values.get(values.size() == 1 ? 0 : index));
  }

  /**
   * What was trained.
   *
   * @param notes says what of it is not used
   */
  record Trained(TrainedFiles files, TrainedFiles.Notes notes) {
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
