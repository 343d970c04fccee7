package io.github.tpdiff.cli;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** LoRAs to put on a model, as options. */
final class LoraChoiceOptions {
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

  /**
   * The LoRAs.
   *
   * @param asked by a request, where the options name none
   */
  List<LoraChoice> choices(List<LoraChoice> asked) {
    requireOneOrEach("--lora-strength", strengths);
    requireOneOrEach("--lora-denoiser", denoisers);
    var choices = new ArrayList<LoraChoice>();
    for (int i = 0; i < loras.size(); i++) {
      choices.add(new LoraChoice(loras.get(i), at(strengths, i), at(denoisers, i)));
    }
    return loras.isEmpty() ? asked : choices;
  }

  /** Says what of a LoRA is left out. */
  ReadLoras.Notes notes() {
    return (file, tensors) ->
        LoraCommand.leftOut(requireNonNull(command).commandLine().getErr(), file, tensors);
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
}
