package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageTraits;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraSum;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Files of what was trained, read and ready to be put on a checkpoint: tensors in full, then LoRAs
 * in their order. The model that comes of it has the stages that they were trained for.
 */
public final class TrainedFiles {
  private static final Pattern HIGH = Pattern.compile("high[-_. ]?noise|[-_. ]high([-_. ]|$)");
  private static final Pattern LOW = Pattern.compile("low[-_. ]?noise|[-_. ]low([-_. ]|$)");

  private final Optional<Path> weights;
  private final List<ReadLora> loras;

  private record ReadLora(Path path, LoraFile file, LoraWeights weights, double factor) {}

  private interface Placement {
    VideoModel put(VideoModel model, LoraWeights lora, double factor);
  }

  /** Told what of a file changes nothing in the model. */
  @FunctionalInterface
  public interface Notes {
    void leftOut(Path file, List<String> tensors);
  }

  private TrainedFiles(Optional<Path> weights, List<ReadLora> loras) {
    this.weights = weights;
    this.loras = loras;
  }

  /**
   * Reads files.
   *
   * @param weights tensors trained in full, which are opened and closed with the model
   * @throws io.github.tpdiff.weights.CheckpointException if one cannot be read
   * @throws IllegalArgumentException if LoRAs were trained for different stages
   */
  public static TrainedFiles read(Optional<Path> weights, List<LoraChoice> loras) {
    var read = new ArrayList<ReadLora>();
    for (LoraChoice choice : loras) {
      LoraFile file = LoraFile.read(choice.path());
      LoraWeights own =
          choice
              .denoiser()
              .map(denoiser -> forDenoiser(file.weights(), denoiser))
              .orElse(file.weights());
      read.add(new ReadLora(choice.path(), file, own, choice.factor()));
    }
    requireSameStages(read);
    return new TrainedFiles(weights, List.copyOf(read));
  }

  /** The same, where files that do not say which denoiser they are for are for that. */
  public TrainedFiles otherwiseFor(String denoiser) {
    return new TrainedFiles(
        weights,
        loras.stream()
            .map(
                lora ->
                    lora.weights().metadata().containsKey(LoraModels.EXPERT)
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
    header.put(LoraModels.EXPERT, denoiser);
    return weights.withMetadata(header);
  }

  private static void requireSameStages(List<ReadLora> loras) {
    Optional<ReadLora> first = Optional.empty();
    for (ReadLora lora : loras) {
      Optional<StageConfig> own = stages(lora);
      if (own.isPresent() && first.isEmpty()) {
        first = Optional.of(lora);
      } else if (own.isPresent() && !own.equals(stages(first.orElseThrow()))) {
        StageConfig others = stages(first.orElseThrow()).orElseThrow();
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
  private static Optional<StageConfig> stages(ReadLora lora) {
    return Optional.ofNullable(lora.weights().metadata().get(RecordJson.STAGES_HEADER))
        .map(json -> RecordJson.STAGES.parse(json, lora.path() + ": " + RecordJson.STAGES_HEADER))
        .map(stages -> stages.withStepSplit(List.of()));
  }

  /**
   * The checkpoint with the LoRAs' products beside its layers.
   *
   * @throws IllegalArgumentException if a layer is not in the model, or nothing says which of
   *     several denoisers a LoRA is for
   */
  public VideoModel beside(VideoModel base, Notes notes) {
    return put(base, notes, LoraModels::applied);
  }

  /**
   * The checkpoint with the LoRAs added into its weights when they are read.
   *
   * @throws IllegalArgumentException if a layer is not in the model, or nothing says which of
   *     several denoisers a LoRA is for
   */
  public VideoModel merged(VideoModel base, Notes notes) {
    return merged(base, notes, UnaryOperator.identity());
  }

  /**
   * The same in other types.
   *
   * @param types of a changed tensor, from its own
   */
  public VideoModel merged(VideoModel base, Notes notes, UnaryOperator<DType> types) {
    return put(base, notes, (model, lora, factor) -> LoraModels.merged(model, lora, factor, types));
  }

  private static VideoModel replaced(VideoModel base, Path file) {
    TensorSource trained = Checkpoint.open(file);
    try {
      return LoraModels.replaced(base, trained);
    } catch (RuntimeException failure) {
      trained.close();
      throw failure;
    }
  }

  private static String denoiser(VideoModel model, ReadLora lora) {
    try {
      return LoraModels.denoiser(model, lora.weights());
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

  private VideoModel put(VideoModel base, Notes notes, Placement placement) {
    VideoModel model = weights.map(file -> replaced(base, file)).orElse(base);
    // A layer is changed once, by the sum of all that are for its denoiser.
    var byDenoiser = new LinkedHashMap<String, List<LoraSum.Term>>();
    for (ReadLora lora : loras) {
      String denoiser = denoiser(model, lora);
      LoraModels.requireFit(lora.path().toString(), model, lora.weights()); // here it has a name
      var unused = new ArrayList<>(lora.file().ignored());
      unused.addAll(LoraModels.leftOut(model, lora.weights()));
      notes.leftOut(lora.path(), unused);
      byDenoiser
          .computeIfAbsent(denoiser, none -> new ArrayList<>())
          .add(new LoraSum.Term(lora.weights(), lora.factor()));
    }
    for (List<LoraSum.Term> terms : byDenoiser.values()) {
      model = put(model, terms, placement);
    }
    return model;
  }

  /** What does not add up is merged one after the other, but for the last. */
  private static VideoModel put(VideoModel base, List<LoraSum.Term> terms, Placement placement) {
    if (terms.size() > 1 && LoraSum.isPossible(terms)) {
      return placement.put(base, LoraSum.of(terms), 1);
    }
    VideoModel model = base;
    for (LoraSum.Term term : terms.subList(0, terms.size() - 1)) {
      model = LoraModels.merged(model, term.weights(), term.factor(), type -> DType.F32);
    }
    LoraSum.Term last = terms.get(terms.size() - 1);
    return placement.put(model, last.weights(), last.factor());
  }
}
