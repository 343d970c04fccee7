package io.github.tpdiff.cli;

import io.github.tpdiff.weights.NativeFolder;
import io.github.tpdiff.weights.WritablePlace;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a video shows, and where it goes. */
final class PromptOptions {
  @Option(names = "--prompt", required = true, description = "What the video shows.")
  private String prompt;

  @Option(
      names = "--negative-prompt",
      defaultValue = "",
      description = "What guidance leads away from (default: nothing).")
  private String negativePrompt;

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description =
          "A picture that the video begins with, for models that take one (default: none).")
  private Optional<Path> picture = Optional.empty();

  @Option(
      names = "--seed",
      defaultValue = "0",
      description = "Of the noise; the same numbers as torch draws (default ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = {"-o", "--out"},
      defaultValue = "video.mp4",
      description = "The mp4 to write (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--sheet",
      description = "Also writes a picture of frames from first to last, a .png beside the mp4.")
  private boolean sheet;

  String prompt() {
    return prompt;
  }

  String negativePrompt() {
    return negativePrompt;
  }

  Optional<Path> picture() {
    return picture;
  }

  long seed() {
    return seed;
  }

  /**
   * The file to write.
   *
   * @throws IllegalArgumentException if it is no mp4: better now than after the sampling
   * @throws io.github.tpdiff.weights.CheckpointException if it cannot be written, likewise
   */
  Path out() {
    if (!out.toString().endsWith(".mp4")) {
      throw new IllegalArgumentException("--out: expected a name ending in .mp4, found " + out);
    }
    WritablePlace.requireFile(out);
    NativeFolder.ffmpeg().require();
    return out;
  }

  /** Where the picture of its frames goes, if it is wanted. */
  Optional<Path> sheet() {
    String name = out.getFileName().toString();
    return sheet
        ? Optional.of(out.resolveSibling(name.substring(0, name.length() - 4) + ".png"))
        : Optional.empty();
  }
}
