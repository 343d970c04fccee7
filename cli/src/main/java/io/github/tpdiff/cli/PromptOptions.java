package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a video shows. */
final class PromptOptions {
  @Option(
      names = "--request",
      paramLabel = "FILE",
      description =
          "A request as JSON, which other options replace field by field (default: none).")
  private Optional<Path> request = Optional.empty();

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What the video shows (default: the request's).")
  private Optional<String> prompt = Optional.empty();

  @Option(
      names = "--negative-prompt",
      paramLabel = "TEXT",
      description = "What guidance leads away from (default: nothing).")
  private Optional<String> negativePrompt = Optional.empty();

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description =
          "A picture that the video begins with, for models that take one (default: none).")
  private Optional<Path> picture = Optional.empty();

  @Option(
      names = "--last-picture",
      paramLabel = "FILE",
      description = "A picture that the video ends with, for models that take one (default: none).")
  private Optional<Path> lastPicture = Optional.empty();

  @Option(
      names = "--picture-geometry",
      paramLabel = "WAY",
      completionCandidates = WordOption.OfPictureGeometry.class,
      converter = WordOption.OfPictureGeometry.class,
      description =
          "How pictures come to the video's size: ${COMPLETION-CANDIDATES}. stretch and squash scale"
              + " both sides to it, as diffusers and as the authors of Wan 2.1 do; crop cuts what"
              + " does not fit, as Wan 2.2's do (default: as the model's own source).")
  private Optional<PictureGeometry> geometry = Optional.empty();

  @Option(
      names = "--seed",
      description = "Of the noise; the same numbers as torch draws (default 0).")
  private Optional<Long> seed = Optional.empty();

  /**
   * The request of the file, with what the options say in its place.
   *
   * @throws IllegalArgumentException if neither says what the video shows
   */
  GenerationRequest request() {
    Optional<GenerationRequest> file = request.map(GenerationRequest::read);
    if (file.isEmpty() && prompt.isEmpty()) {
      throw new IllegalArgumentException(
          "--prompt: expected what the video shows, found none; say it, or give a --request");
    }
    GenerationRequest asked = file.orElseGet(() -> GenerationRequest.of(""));
    asked = prompt.map(asked::withPrompt).orElse(asked);
    asked = negativePrompt.map(asked::withNegativePrompt).orElse(asked);
    asked = picture.map(asked::withPicture).orElse(asked);
    asked = lastPicture.map(asked::withLastPicture).orElse(asked);
    asked = geometry.map(asked::withPictureGeometry).orElse(asked);
    return seed.map(asked::withSeed).orElse(asked);
  }
}
