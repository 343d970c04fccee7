package io.github.tpdiff.conformance.bench;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What bench runs, as options. */
final class BenchOptions {
  /** The engines there are. */
  enum Name {
    TORCH,
    ONNX;

    Engine open() {
      return switch (this) {
        case TORCH -> TorchEngine.best();
        case ONNX -> OnnxEngine.on(OnnxDevice.AUTO);
      };
    }
  }

  @Option(
      names = "--engines",
      split = ",",
      description = "engines to measure, of ${COMPLETION-CANDIDATES} (default: all)")
  private List<Name> engines = List.of();

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
      names = "--stages",
      defaultValue = "3",
      description = "stages (default: ${DEFAULT-VALUE})")
  private int stages = 3;

  @Option(
      names = "--steps",
      defaultValue = "3",
      description = "sampler steps, staged and vanilla alike (default: ${DEFAULT-VALUE})")
  private int steps = 3;

  @Option(
      names = "--rounds",
      defaultValue = "3",
      description = "how often both are run, in turn (default: ${DEFAULT-VALUE})")
  private int rounds = 3;

  @Option(
      names = "--text",
      defaultValue = "64",
      description = "tokens of the prompt (default: ${DEFAULT-VALUE})")
  private int textTokens = 64;

  int blocks() {
    checkArgument(blocks >= 1, "--blocks: at least 1, found %s", blocks);
    return blocks;
  }

  /** Latent frames: those asked for, else the model's own. */
  int frames(PipelineDescription description) {
    return frames.orElseGet(
        () -> description.latents().latentFrames(description.defaults().frames()));
  }

  /** Engines to measure. */
  List<Name> engines() {
    return engines.isEmpty() ? List.of(Name.values()) : engines;
  }

  int height() {
    return height;
  }

  int width() {
    return width;
  }

  int stages() {
    return stages;
  }

  int steps() {
    return steps;
  }

  int rounds() {
    checkArgument(rounds >= 1, "--rounds: at least 1, found %s", rounds);
    return rounds;
  }

  int textTokens() {
    checkArgument(textTokens >= 1, "--text: at least 1, found %s", textTokens);
    return textTokens;
  }
}
