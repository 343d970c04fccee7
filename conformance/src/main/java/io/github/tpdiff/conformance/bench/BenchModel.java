package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is measured.
 *
 * @param description of the checkpoint
 * @param conditioning of as many blocks as the denoiser has
 * @param denoiser whole, or cut to its first blocks
 * @param textTokens of the made-up prompt
 */
record BenchModel(
    PipelineDescription description, Component conditioning, Component denoiser, int textTokens) {

  static BenchModel of(VideoModel model, int blocks, int textTokens) {
    return new BenchModel(
        model.description(),
        FewerBlocks.cut(require(model, Role.CONDITIONING), blocks),
        FewerBlocks.cut(require(model, Role.DENOISER), blocks),
        textTokens);
  }

  static int blocks(VideoModel model) {
    return FewerBlocks.count(require(model, Role.DENOISER).program());
  }

  private static Component require(VideoModel model, Role role) {
    return Optional.ofNullable(model.components().get(role))
        .orElseThrow(
            () ->
                new CheckpointException(
                    role.label() + ": the checkpoint has no such component, which bench measures"));
  }

  Scheduler scheduler() {
    return Scheduler.fromConfig(description.scheduler());
  }

  /** Latents of one clip. */
  LatentShape latents(int frames, int height, int width) {
    long channels =
        Optional.ofNullable(denoiser.program().inputs().get("hidden_states"))
            .orElseThrow()
            .dim(1)
            .value();
    return new LatentShape(1, Math.toIntExact(channels), frames, height, width);
  }

  private Map<String, Tensor> prompt() {
    var inputs = new HashMap<String, Tensor>();
    conditioning
        .program()
        .inputs()
        .forEach(
            (name, value) -> {
              int width = Math.toIntExact(value.dim(2).value());
              var shape = new LatentShape(1, textTokens, 1, 1, width);
              inputs.put(
                  name,
                  Tensor.ofFloats(NoiseSource.seeded(1).draw(shape).data(), 1, textTokens, width));
            });
    return inputs;
  }

  /** What the denoiser needs of the prompt. */
  Map<String, Tensor> condition(Engine engine) {
    try (Executable executable = engine.load(conditioning.program(), conditioning.weights())) {
      return executable.run(prompt());
    }
  }

  /** Shapes of all inputs of the denoiser. */
  Map<String, long[]> inputShapes(LatentShape latents) {
    var given = new HashMap<String, long[]>();
    prompt().forEach((name, tensor) -> given.put(name, tensor.shape()));
    var shapes = new HashMap<>(conditioning.program().shapes(given));
    shapes.put(
        "hidden_states",
        new long[] {
          latents.batch(), latents.channels(), latents.frames(), latents.height(), latents.width()
        });
    shapes.put("timestep", new long[] {latents.batch()});
    shapes.put("temporal_positions", new long[] {latents.frames()});
    return shapes;
  }
}
