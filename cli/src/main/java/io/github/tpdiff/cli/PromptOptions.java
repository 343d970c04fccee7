package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.weights.NativeFolder;
import io.github.tpdiff.weights.WritablePlace;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a video shows, and where it goes. */
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

  @Option(
      names = {"-o", "--out"},
      defaultValue = "video.mp4",
      description = "The mp4 to write, or the png of one frame (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--sheet",
      description = "Also writes a picture of frames from first to last, a .png beside the mp4.")
  private boolean sheet;

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

  /**
   * The file to write.
   *
   * @throws IllegalArgumentException if it is neither an mp4 nor a png: better now than after the
   *     sampling
   * @throws io.github.tpdiff.weights.CheckpointException if it cannot be written, likewise
   */
  Path out() {
    if (!out.toString().endsWith(".mp4") && !isPicture(out)) {
      throw new IllegalArgumentException(
          "--out: expected a name ending in .mp4, or in .png for one frame, found " + out);
    }
    WritablePlace.requireFile(out);
    if (!isPicture(out)) {
      NativeFolder.ffmpeg().require();
    }
    return out;
  }

  /** Whether a file to write is one frame alone. */
  static boolean isPicture(Path out) {
    return out.toString().endsWith(".png");
  }

  /**
   * Where the picture of its frames goes, if it is wanted.
   *
   * @throws IllegalArgumentException if the video is a picture itself
   */
  Optional<Path> sheet() {
    if (sheet && isPicture(out)) {
      throw new IllegalArgumentException("--sheet: goes with an .mp4, found " + out);
    }
    String name = out.getFileName().toString();
    return sheet
        ? Optional.of(out.resolveSibling(name.substring(0, name.length() - 4) + ".png"))
        : Optional.empty();
  }
}
