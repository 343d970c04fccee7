package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What goes into the graphs of an exported folder and comes out of them, in words: content, unit,
 * range.
 */
record ValueMeanings(ModelDescription description) {
  static final String NEXT = ".next";
  static final String DECODED = "latent_sample";
  static final String SAMPLE = "sample";
  static final String ENCODED = "latent_mean";
  private static final String PIXELS = "RGB in [-1, 1]";

  /** What an input is given. */
  String input(ComponentDescription component, String name) {
    return switch (component.runs()) {
      case CHUNK -> chunk(component, name);
      case STEP -> step(component, name).orElseGet(() -> value(component, name));
      case PROMPT, PICTURE, STAGE -> value(component, name);
    };
  }

  /** What an output is. */
  String output(ComponentDescription component, String name) {
    if (component.runs() == Runs.CHUNK) {
      return chunk(component, name);
    }
    String value = component.writes().get(name);
    if (value != null) {
      return description.flow().condition(value).map(this::condition).orElse("the value " + value);
    }
    return name.equals(NetworkInputs.PREDICTION)
        ? "what the network predicts (diffusion.predicts), in units of the stage"
            + " (prediction_scale); normalised latents in shape and scale"
        : "what follows from the conditions alone: the input of the same name of %s in every step"
            .formatted(ComponentDescription.folderOf(component.name()));
  }

  private Optional<String> step(ComponentDescription component, String name) {
    int factor = description.latents().spatialFactor();
    return switch (component.reads().getOrDefault(name, name)) {
      case NetworkInputs.LATENTS ->
          Optional.of(
              "noisy latents, normalised: the stage's latent frames, height and width of the video"
                  + " / "
                  + factor
                  + " / stages.strides; at the beginning N(0, 1)");
      case NetworkInputs.TIMESTEP ->
          Optional.of("what the network is told of the time (steps.timestep), one for each clip");
      case NetworkInputs.POSITIONS ->
          Optional.of("position of each of the stage's frames: stages.positions");
      case NetworkInputs.ROWS ->
          Optional.of(
              "position of each of the stage's latent rows: i * stages.position_strides.height");
      case NetworkInputs.COLUMNS ->
          Optional.of(
              "position of each of the stage's latent columns: i * stages.position_strides.width");
      default -> Optional.empty();
    };
  }

  private String value(ComponentDescription component, String name) {
    Flow flow = description.flow();
    String value = component.reads().getOrDefault(name, name);
    Optional<Condition> condition = flow.condition(value);
    if (condition.isPresent()) {
      return condition(condition.get());
    }
    if (value.equals(Flow.PICTURE)) {
      return "the picture that the video begins with, of the video's size, " + PIXELS;
    }
    if (value.equals(Flow.PICTURE_PIXELS)) {
      return "the picture, or the first and the last, as pictures.use.encoder says";
    }
    if (value.equals(Flow.POSITIONS)) {
      return "positions of all latent frames at full rate: 0, 1, 2, ...";
    }
    for (Text text : flow.texts()) {
      boolean alone = text.padding() == Text.Padding.ZERO_ROWS;
      String length = alone ? "the real tokens alone" : text.maxLength() + " tokens with padding";
      if (value.equals(text.ids())) {
        return "token ids of %s: %s".formatted(text.tokenizer(), length);
      }
      if (value.equals(text.mask())) {
        return "1 for a token of %s, 0 for padding: %s".formatted(text.tokenizer(), length);
      }
    }
    return component.runs() == Runs.STEP
        ? "the output of the same name of " + ComponentDescription.conditioning(component.name())
        : "the value " + value;
  }

  private String condition(Condition condition) {
    Flow flow = description.flow();
    String writers =
        flow.writers(List.of(condition.name())).stream()
            .filter(writer -> writer.writes().containsValue(condition.name()))
            .map(ComponentDescription::name)
            .collect(Collectors.joining());
    return "the condition %s, of the %s%s%s%s"
        .formatted(
            condition.name(),
            flow.isOfPicture(condition.name()) ? "picture" : "prompt",
            writers.isEmpty()
                ? ""
                : (isMade(writers) ? ", with latents from " : ", from ") + writers,
            condition.follows() == Condition.Follows.FRAMES
                ? "; of the stage's frames, rows and columns (stages.strides)"
                : "",
            condition.optional() ? "; zeros where there is none" : "");
  }

  /** Whether what writes a condition gives only a part of it. */
  private static boolean isMade(String writers) {
    return writers.equals(ComponentDescription.VAE_ENCODER);
  }

  private static String chunk(ComponentDescription component, String name) {
    boolean decodes = component.name().startsWith(ComponentDescription.VAE_DECODER);
    if (name.endsWith(NEXT)) {
      return "state: the input of this name without " + NEXT + " of the next chunk";
    }
    return switch (name) {
      case DECODED -> "one latent frame, not normalised: x * std + mean";
      case ENCODED -> "one latent frame, not normalised: x = (it - mean) / std";
      case SAMPLE ->
          decodes
              ? "the frames of the chunk, about " + PIXELS + ": clamp them"
              : "the frames of the chunk, " + PIXELS;
      default -> "state: the output of this name with " + NEXT + " of the chunk before";
    };
  }
}
