package io.github.tpdiff.runtime.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A program ready to run on an engine. Not safe for use by several threads at once. */
public interface Executable extends AutoCloseable {
  List<String> inputNames();

  List<String> outputNames();

  /**
   * Runs once.
   *
   * @param inputs a tensor for each of {@link #inputNames()} that is not bound; others are not
   *     looked at, so that all networks can be given the same
   * @return a tensor for each of {@link #outputNames()}
   * @throws io.github.tpdiff.runtime.graph.GraphException if an input is missing or does not fit
   */
  Map<String, Tensor> run(Map<String, Tensor> inputs);

  /**
   * This executable with some inputs fixed and held where the engine runs: what depends only on the
   * prompt is handed over once and used in every step. Closing the result frees what it holds and
   * leaves this executable open.
   *
   * @throws io.github.tpdiff.runtime.graph.GraphException if one is no input
   */
  Executable bind(Map<String, Tensor> fixed);

  /**
   * The same with inputs that a computation on this engine left on the device as well; they stay
   * their owner's to close, after the result.
   */
  default Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
    var all = new HashMap<>(fixed);
    all.putAll(computed.toHost());
    return bind(all);
  }

  /** Runs once and leaves the results where the engine computes. */
  default DeviceValues compute(Map<String, Tensor> inputs) {
    return DeviceValues.of(run(inputs));
  }

  /**
   * This executable whose runs end when they are cancelled, as soon as the engine can: before one
   * begins at least. Closing the result leaves this open.
   *
   * @return one whose runs throw {@link java.util.concurrent.CancellationException} then
   */
  default Executable until(Cancellation cancellation) {
    return new CancellableExecutable(this, cancellation, () -> {});
  }

  @Override
  void close();
}
