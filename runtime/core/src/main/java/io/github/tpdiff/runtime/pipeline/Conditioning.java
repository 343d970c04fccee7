package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.Map;

/** What the denoiser needs of a prompt, computed once and used in every step of every stage. */
public final class Conditioning implements AutoCloseable {
  private final Executable executable;

  private Conditioning(Executable executable) {
    this.executable = executable;
  }

  /**
   * Loads the conditioning.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it is absent
   */
  public static Conditioning open(PipelineParts parts) {
    return new Conditioning(parts.load(Role.CONDITIONING));
  }

  /** The denoiser's inputs for an embedding [1, text, d], by name. */
  public Map<String, Tensor> of(Tensor embedding) {
    return executable.run(Map.of("encoder_hidden_states", embedding));
  }

  @Override
  public void close() {
    executable.close();
  }
}
