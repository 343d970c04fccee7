package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What is measured.
 *
 * @param model its denoiser and what conditions that, whole or cut to their first blocks
 */
record BenchModel(VideoModel model) {

  /**
   * A model's denoiser.
   *
   * @param blocks how many of its blocks are measured
   * @param textTokens of the prompt
   */
  static BenchModel of(VideoModel whole, int blocks, int textTokens) {
    List<String> network = network(whole.description());
    network.forEach(whole::require);
    VideoModel cut = whole.mapComponents(network, own -> FewerBlocks.cut(own, blocks));
    var description = cut.description();
    return new BenchModel(
        cut.withDescription(description.withFlow(description.flow().withTextRows(textTokens))));
  }

  private static List<String> network(ModelDescription description) {
    return description.flow().network(description.denoiser());
  }

  /** How many blocks a model's denoiser has; 0 if it is not made of blocks. */
  static int blocks(VideoModel model) {
    return FewerBlocks.count(model.require(model.description().denoiser()).program());
  }

  Component denoiser() {
    return model.require(model.description().denoiser());
  }

  /** Latents of one clip. */
  LatentShape latents(int frames, int height, int width) {
    int channels = model.description().latents().channels();
    return new LatentShape(1, channels, frames, height, width);
  }

  /** What the denoiser is conditioned on, made up. */
  Conditions conditions(LatentShape latents) {
    return Conditions.noise(model.description().flow(), latents);
  }

  /** The same with every weight copied to memory, as a plain load does. */
  BenchModel loadedPlainly() {
    return new BenchModel(model.mapComponents(network(model.description()), BenchModel::copied));
  }

  private static Component copied(Component component) {
    TensorSource weights = component.weights();
    var copies = MemoryTensors.builder();
    for (String name : component.program().weights().keySet()) {
      ByteBuffer mapped = weights.bytes(name);
      copies.add(
          weights.require(name), ByteBuffer.allocateDirect(mapped.remaining()).put(mapped).flip());
    }
    return component.withWeights(copies.build());
  }
}
