package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageTraits;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFit;
import io.github.tpdiff.weights.lora.LoraSum;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * LoRA files that were read, trained for the same stages, in the order in which they are put on a
 * model.
 */
public final class ReadLoras {
  /**
   * Entry of a LoRA's header: the denoiser that it is for, of a model that has several, as {@link
   * Flow#named} takes it.
   */
  public static final String EXPERT = "tpdiff.expert";

  private static final Pattern HIGH = Pattern.compile("high[-_. ]?noise|[-_. ]high([-_. ]|$)");
  private static final Pattern LOW = Pattern.compile("low[-_. ]?noise|[-_. ]low([-_. ]|$)");

  private final List<ReadLora> loras;

  private record ReadLora(Path path, LoraFile file, LoraWeights weights, double factor) {}

  /** Told what of a file changes nothing in the model. */
  @FunctionalInterface
  public interface Notes {
    void leftOut(Path file, List<String> tensors);

    /** Nobody is told. */
    static Notes none() {
      return (file, tensors) -> {};
    }
  }

  private ReadLoras(List<ReadLora> loras) {
    this.loras = loras;
  }

  /**
   * Reads files.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if one cannot be read
   * @throws IllegalArgumentException if they were trained for different stages
   */
  public static ReadLoras read(List<LoraChoice> choices) {
    var read = new ArrayList<ReadLora>();
    for (LoraChoice choice : choices) {
      LoraFile file = LoraFile.read(choice.path());
      LoraWeights own =
          choice
              .denoiser()
              .map(denoiser -> forDenoiser(file.weights(), denoiser))
              .orElse(file.weights());
      read.add(new ReadLora(choice.path(), file, own, choice.factor()));
    }
    requireSameStages(read);
    return new ReadLoras(List.copyOf(read));
  }

  /** The same, where files that do not say which denoiser they are for are for that. */
  public ReadLoras otherwiseFor(String denoiser) {
    return new ReadLoras(
        loras.stream()
            .map(
                lora ->
                    lora.weights().metadata().containsKey(EXPERT)
                        ? lora
                        : new ReadLora(
                            lora.path(),
                            lora.file(),
                            forDenoiser(lora.weights(), denoiser),
                            lora.factor()))
            .toList());
  }

  private static LoraWeights forDenoiser(LoraWeights weights, String denoiser) {
    Map<String, String> header = new LinkedHashMap<>(weights.metadata());
    header.put(EXPERT, denoiser);
    return weights.withMetadata(header);
  }

  private static void requireSameStages(List<ReadLora> loras) {
    Optional<ReadLora> first = Optional.empty();
    for (ReadLora lora : loras) {
      Optional<StageConfig> own = withoutSplit(lora);
      if (own.isPresent() && first.isEmpty()) {
        first = Optional.of(lora);
      } else if (own.isPresent() && !own.equals(withoutSplit(first.orElseThrow()))) {
        StageConfig others = withoutSplit(first.orElseThrow()).orElseThrow();
        throw new IllegalArgumentException(
            "loras: %s was trained for stages %s, %s for stages %s; put on LoRAs of the same stages"
                .formatted(
                    first.orElseThrow().path(),
                    words(others, own.orElseThrow()),
                    lora.path(),
                    words(own.orElseThrow(), others)));
      }
    }
  }

  /** The rates and boundaries, and what else is not as in others. */
  private static String words(StageConfig stages, StageConfig others) {
    Map<String, String> different = StageTraits.of(others);
    return "with "
        + StageTraits.of(stages).entrySet().stream()
            .filter(
                trait ->
                    List.of(StageTraits.RATES, StageTraits.BOUNDARIES).contains(trait.getKey())
                        || !trait.getValue().equals(different.get(trait.getKey())))
            .map(trait -> trait.getKey() + " " + trait.getValue())
            .collect(Collectors.joining(", "));
  }

  /** What a LoRA was trained for, but for the shares of the steps, which are free. */
  private static Optional<StageConfig> withoutSplit(ReadLora lora) {
    return stages(lora).map(stages -> stages.withStepSplit(List.of()));
  }

  private static Optional<StageConfig> stages(ReadLora lora) {
    return Optional.ofNullable(lora.weights().metadata().get(RecordJson.STAGES_HEADER))
        .map(json -> RecordJson.STAGES.parse(json, lora.path() + ": " + RecordJson.STAGES_HEADER));
  }

  /** The stages that they were trained for, if one says so; the last that does is asked. */
  public Optional<StageConfig> stages() {
    return loras.stream().flatMap(lora -> stages(lora).stream()).reduce((one, last) -> last);
  }

  /**
   * The LoRAs of each denoiser, by its component.
   *
   * @param fits tells of a denoiser what fits it
   * @throws IllegalArgumentException if a layer is not in the model, or nothing says which of
   *     several denoisers a LoRA is for
   * @throws io.github.tpdiff.weights.CheckpointException if a tensor has another shape there
   */
  public Map<String, List<LoraSum.Term>> byDenoiser(
      Flow flow, Function<String, LoraFit> fits, Notes notes) {
    var byDenoiser = new LinkedHashMap<String, List<LoraSum.Term>>();
    for (ReadLora lora : loras) {
      String denoiser = denoiser(flow, lora);
      LoraFit fit = fits.apply(denoiser);
      fit.require(lora.path().toString(), lora.weights()); // here it has a name
      var unused = new ArrayList<>(lora.file().ignored());
      unused.addAll(fit.leftOut(lora.weights()));
      notes.leftOut(lora.path(), unused);
      byDenoiser
          .computeIfAbsent(denoiser, none -> new ArrayList<>())
          .add(new LoraSum.Term(lora.weights(), lora.factor()));
    }
    return byDenoiser;
  }

  private static String denoiser(Flow flow, ReadLora lora) {
    try {
      return denoiser(flow, lora.weights().metadata());
    } catch (IllegalArgumentException open) {
      throw new IllegalArgumentException(
          "%s: %s; say it with --lora-denoiser, or as 'denoiser' of a request's LoRA%s"
              .formatted(lora.path(), open.getMessage(), suggestion(lora.path())),
          open);
    }
  }

  /** What the name of a file hints at, which is no more than that. */
  private static String suggestion(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    boolean high = HIGH.matcher(name).find();
    boolean low = LOW.matcher(name).find();
    return high == low
        ? ""
        : " (its name suggests %s)".formatted(high ? Flow.HIGH_NOISE : Flow.LOW_NOISE);
  }

  /**
   * The component that a header names, or the only denoiser: other programs' headers say nothing,
   * and the keys of all denoisers are the same.
   *
   * @throws IllegalArgumentException if there is no such denoiser, or none is named of several
   */
  public static String denoiser(Flow flow, Map<String, String> header) {
    String said = header.get(EXPERT);
    if (said == null && flow.denoisers().size() > 1) {
      throw new IllegalArgumentException(
          "expected to be told which denoiser of the model it is for, %s, found no '%s' in its header"
              .formatted(flow.denoiserNames(), EXPERT));
    }
    try {
      return said == null ? flow.denoiser() : flow.named(said);
    } catch (IllegalArgumentException unknown) {
      throw new IllegalArgumentException("is for a denoiser: " + unknown.getMessage(), unknown);
    }
  }
}
