package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.Map;

/** A network that is told everything about its prompt already. */
public final class BoundDenoiser implements Denoiser, AutoCloseable {
  private final Executable executable;

  private BoundDenoiser(Executable executable) {
    this.executable = executable;
  }

  /**
   * Hands a prompt to a denoiser, which stays the caller's to close.
   *
   * @param network an executable of {@link Role#DENOISER}
   * @param conditioning what {@link Conditioning} gave for the prompt
   */
  public static BoundDenoiser bind(Executable network, Map<String, Tensor> conditioning) {
    return new BoundDenoiser(network.bind(conditioning));
  }

  /**
   * @throws CheckpointException if the prediction has another shape than {@code x}
   */
  @Override
  public Latents predict(Latents x, double timestep, int[] framePositions) {
    LatentShape shape = x.shape();
    var timesteps = new float[shape.batch()];
    Arrays.fill(timesteps, (float) timestep);
    var positions = new float[framePositions.length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = framePositions[i];
    }
    Map<String, Tensor> outputs =
        executable.run(
            Map.of(
                "hidden_states", LatentTensors.toTensor(x),
                "timestep", Tensor.ofFloats(timesteps, timesteps.length),
                "temporal_positions", Tensor.ofFloats(positions, positions.length)));
    Tensor prediction = Outputs.require(outputs, "out_hidden_states", Role.DENOISER);
    if (!Arrays.equals(prediction.shape(), LatentTensors.extents(shape))) {
      throw new CheckpointException(
          "%s: out_hidden_states: expected %s, found %s"
              .formatted(Role.DENOISER.label(), shape, Arrays.toString(prediction.shape())));
    }
    return Latents.of(shape, prediction.toFloatArray());
  }

  /** Frees what was handed over. */
  @Override
  public void close() {
    executable.close();
  }
}
