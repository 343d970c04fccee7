package io.github.tpdiff.serve;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What fields ask of a generation, and whether it is within limits. */
final class RequestedFields {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,6})x(\\d{1,6})");
  private static final int SHOWN = 60;

  private RequestedFields() {}

  /**
   * Refuses what is too large before anything counts with it.
   *
   * @throws Refusal naming the field
   */
  static void requireWithin(VideoFields fields, Limits limits) {
    text("prompt", fields.prompt(), limits);
    text("negative_prompt", fields.negativePrompt(), limits);
    if (fields.prompt().filter(prompt -> !prompt.isBlank()).isEmpty()) {
      throw Refusal.of(
          Kind.INVALID, "prompt", "prompt: expected what the video shows, found nothing");
    }
    both(
        fields.size().isPresent() && fields.width().or(fields::height).isPresent(),
        "size",
        "width and height");
    both(fields.seconds().isPresent() && fields.numFrames().isPresent(), "seconds", "num_frames");
    VideoChoice video = video(fields);
    if (video.width().isPresent() && video.height().isPresent()) {
      pixels(video.width().get(), video.height().get(), limits);
    }
    range("width", video.width(), limits.mostPixels());
    range("height", video.height(), limits.mostPixels());
    range("num_frames", fields.numFrames(), limits.mostFrames());
    range("num_inference_steps", fields.numInferenceSteps(), limits.mostSteps());
    range("stages", fields.stages(), Limits.STAGES);
    count("rates", fields.rates(), Limits.STAGES - 1);
    count("split", fields.split(), Limits.STAGES);
    count("stage_guidance", fields.stageGuidance(), Limits.STAGES);
    count("lora", fields.lora(), Limits.LORAS);
    fields.split().forEach(share -> range("split", Optional.of(share), limits.mostSteps()));
    for (GridFactor rate : fields.rates()) {
      range(
          "rates",
          Optional.of(Collections.max(List.of(rate.time(), rate.height(), rate.width()))),
          Limits.RATE);
    }
    for (var name : List.of(fields.sampler(), fields.scheduler())) {
      name.filter(text -> text.length() > 100)
          .ifPresent(
              text -> {
                throw Refusal.of(Kind.INVALID, "expected a name, found a long text");
              });
    }
  }

  private static void both(boolean found, String field, String other) {
    if (found) {
      throw Refusal.of(
          Kind.INVALID, field, "%s: expected it or %s, found both".formatted(field, other));
    }
  }

  private static void text(String field, Optional<String> text, Limits limits) {
    int length = text.map(String::length).orElse(0);
    if (length > limits.mostPromptCharacters()) {
      throw Refusal.of(
          Kind.INVALID,
          field,
          "%s: expected at most %d characters, found %d"
              .formatted(field, limits.mostPromptCharacters(), length));
    }
  }

  private static void range(String field, Optional<Integer> value, int most) {
    if (value.isPresent() && (value.get() < 1 || value.get() > most)) {
      throw Refusal.of(
          Kind.INVALID,
          field,
          "%s: expected 1 to %d, found %d".formatted(field, most, value.get()));
    }
  }

  private static void count(String field, List<?> values, int most) {
    if (values.size() > most) {
      throw Refusal.of(
          Kind.INVALID,
          field,
          "%s: expected at most %d values, found %d".formatted(field, most, values.size()));
    }
  }

  private static void pixels(int width, int height, Limits limits) {
    if ((long) width * height > limits.mostPixels()) {
      throw Refusal.of(
          Kind.INVALID,
          "size",
          "size: expected at most %d pixels, found %dx%d"
              .formatted(limits.mostPixels(), width, height));
    }
  }

  /**
   * Refuses what a model makes of it.
   *
   * @throws Refusal naming the field
   */
  static void requireWithin(VideoSize size, int steps, Limits limits) {
    pixels(size.width(), size.height(), limits);
    range("num_frames", Optional.of(size.frames()), limits.mostFrames());
    range("num_inference_steps", Optional.of(steps), limits.mostSteps());
  }

  /** What the fields ask, pictures, length in seconds and LoRAs apart. */
  static GenerationRequest request(VideoFields fields) {
    GenerationRequest request =
        GenerationRequest.of(fields.prompt().orElse(""))
            .withVideo(video(fields))
            .withSampling(sampling(fields));
    request = fields.negativePrompt().map(request::withNegativePrompt).orElse(request);
    return fields.seed().map(request::withSeed).orElse(request);
  }

  private static VideoChoice video(VideoFields fields) {
    Optional<Integer> width = fields.width();
    Optional<Integer> height = fields.height();
    if (fields.size().isPresent()) {
      Matcher sides = SIZE.matcher(fields.size().get());
      if (!sides.matches()) {
        throw Refusal.of(
            Kind.INVALID,
            "size",
            "size: expected WIDTHxHEIGHT such as 832x480, found '%s'"
                .formatted(shown(fields.size().get())));
      }
      width = Optional.of(Integer.valueOf(sides.group(1)));
      height = Optional.of(Integer.valueOf(sides.group(2)));
    }
    return new VideoChoice(width, height, fields.numFrames(), fields.fps());
  }

  private static SamplingChoice sampling(VideoFields fields) {
    var guidance = new ArrayList<Double>();
    fields.guidanceScale().ifPresent(guidance::add);
    if (fields.guidanceScale_2().isPresent()) {
      if (guidance.isEmpty()) {
        throw Refusal.of(
            Kind.INVALID,
            "guidance_scale_2",
            "guidance_scale_2: expected guidance_scale beside it, found none");
      }
      guidance.add(fields.guidanceScale_2().get());
    }
    return new SamplingChoice(
        fields.numInferenceSteps(),
        fields.sigmas(),
        fields.timesteps(),
        guidance,
        fields.stageGuidance(),
        fields.guidanceInterval(),
        Optional.empty(),
        fields.scheduler(),
        fields.sampler(),
        stages(fields));
  }

  private static StageChoice stages(VideoFields fields) {
    StageChoice open = StageChoice.asTrained();
    return new StageChoice(
        fields.stages().map(OptionalInt::of).orElseGet(OptionalInt::empty),
        fields.rates(),
        open.boundaries(),
        fields.split(),
        open.downsampling(),
        open.upsampling(),
        open.spaceDownsampling(),
        open.spaceUpsampling(),
        open.targets(),
        open.positions(),
        open.targetScale(),
        open.ends());
  }

  /** What a client sent, no longer than an error should be. */
  static String shown(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
  }
}
