package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PartsComparison;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;

/**
 * What is measured.
 *
 * @param model the denoiser and its conditioning, whole or cut to their first blocks
 * @param prompt made up
 * @param textTokens of the prompt
 */
record BenchModel(VideoModel model, Map<String, Tensor> prompt, int textTokens) {

  static BenchModel of(VideoModel whole, int blocks, int textTokens) {
    Component conditioning = FewerBlocks.cut(require(whole, Role.CONDITIONING), blocks);
    Component denoiser = FewerBlocks.cut(require(whole, Role.DENOISER), blocks);
    return new BenchModel(
        whole.withComponents(Map.of(Role.CONDITIONING, conditioning, Role.DENOISER, denoiser)),
        PartsComparison.noisePrompt(conditioning, textTokens),
        textTokens);
  }

  private static Component require(VideoModel model, Role role) {
    return Optional.ofNullable(model.components().get(role))
        .orElseThrow(
            () ->
                new CheckpointException(
                    role.label() + ": the checkpoint has no such component, which bench measures"));
  }

  /** How many blocks a model's denoiser has; 0 if it is not made of blocks. */
  static int blocks(VideoModel model) {
    return FewerBlocks.count(require(model, Role.DENOISER).program());
  }

  Component denoiser() {
    return require(model, Role.DENOISER);
  }

  /** Latents of one clip. */
  LatentShape latents(int frames, int height, int width) {
    long channels =
        Optional.ofNullable(denoiser().program().inputs().get("hidden_states"))
            .orElseThrow()
            .dim(1)
            .value();
    return new LatentShape(1, Math.toIntExact(channels), frames, height, width);
  }

  /** The same with every weight copied to memory, as a plain load does. */
  BenchModel loadedPlainly() {
    return new BenchModel(
        model.withComponents(
            Map.of(
                Role.CONDITIONING, copied(require(model, Role.CONDITIONING)),
                Role.DENOISER, copied(denoiser()))),
        prompt,
        textTokens);
  }

  private static Component copied(Component component) {
    TensorSource weights = component.weights();
    var copies = MemoryTensors.builder();
    for (String name : component.program().weights().keySet()) {
      ByteBuffer mapped = weights.bytes(name);
      copies.add(
          weights.require(name), ByteBuffer.allocateDirect(mapped.remaining()).put(mapped).flip());
    }
    return new Component(component.program(), copies.build());
  }
}
