package io.github.tpdiff.conformance.bench;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How much of a model a bench measures, on how large latents, as options. */
final class BenchSize {
  @Option(
      names = "--blocks",
      defaultValue = "2",
      description =
          "measure only the first N transformer blocks, which all cost alike; a network without"
              + " such blocks is measured whole (default: ${DEFAULT-VALUE})")
  private int blocks = 2;

  @Option(names = "--frames", description = "latent frames (default: the model's own)")
  private Optional<Integer> frames = Optional.empty();

  @Option(
      names = "--height",
      defaultValue = "16",
      description = "latent rows (default: ${DEFAULT-VALUE})")
  private int height = 16;

  @Option(
      names = "--width",
      defaultValue = "16",
      description = "latent columns (default: ${DEFAULT-VALUE})")
  private int width = 16;

  @Option(
      names = "--text",
      defaultValue = "64",
      description = "tokens of the prompt (default: ${DEFAULT-VALUE})")
  private int textTokens = 64;

  /** The part of a model that is measured. */
  BenchModel cut(VideoModel whole) {
    checkArgument(blocks >= 1, "--blocks: at least 1, found %s", blocks);
    checkArgument(textTokens >= 1, "--text: at least 1, found %s", textTokens);
    return BenchModel.of(whole, blocks, textTokens);
  }

  /** The latents of one clip: of as many frames as are asked for, else as are the model's own. */
  LatentShape latents(BenchModel model) {
    ModelDescription description = model.model().description();
    int own =
        frames.orElseGet(() -> description.latents().latentFrames(description.defaults().frames()));
    return model.latents(own, height, width);
  }
}
