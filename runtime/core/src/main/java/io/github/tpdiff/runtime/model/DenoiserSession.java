package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.engine.Tensor;
import java.util.List;
import java.util.Map;

/**
 * One denoiser of a model ready to run: first what depends on its conditions alone, then what is
 * asked in every step.
 */
public interface DenoiserSession extends AutoCloseable {
  /**
   * Hands over conditions, each of which may be that of a batch; what is made of them stays where
   * the engine computes. Each result is closed by the caller, before this is.
   *
   * @param inputs of the whole network but those of {@link NetworkInputs#step}, for each result
   */
  List<Bound> bind(List<Map<String, Tensor>> inputs);

  /** A network that is told everything but what changes in every step. */
  interface Bound extends AutoCloseable {
    /** The prediction for {@link NetworkInputs#step}. */
    Tensor predict(Map<String, Tensor> step);

    /** Frees what was handed over. */
    @Override
    void close();
  }

  @Override
  void close();

  /**
   * A denoiser of some parts. Both of its components are not in memory together, unless conditions
   * change after the first step.
   */
  static DenoiserSession of(PipelineParts parts, String denoiser) {
    return new LoadedDenoiser(parts, denoiser);
  }
}
