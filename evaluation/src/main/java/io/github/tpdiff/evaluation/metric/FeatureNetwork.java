package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.engine.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A network that the user supplies: pictures, clips or token ids in, numbers out. Whoever carries
 * an engine implements it.
 */
public interface FeatureNetwork extends AutoCloseable {
  /** What its inputs are called, in their order. */
  List<String> inputNames();

  /**
   * Runs once.
   *
   * @param inputs by name; what has a default may be missing
   * @return its results in their order
   */
  List<Tensor> run(Map<String, Tensor> inputs);

  @Override
  void close();

  /** Opens files of networks. */
  @FunctionalInterface
  interface Opener {
    /**
     * Opens one.
     *
     * @throws io.github.tpdiff.weights.CheckpointException if the file holds no network of a kind
     *     that is known
     */
    FeatureNetwork open(Path file);
  }
}
