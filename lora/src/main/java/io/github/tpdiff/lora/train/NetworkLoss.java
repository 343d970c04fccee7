package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Objects;

/** Asks a network for the mean squared error of its prediction, without gradients. */
@FunctionalInterface
interface NetworkLoss {
  /**
   * The mean squared error over all values.
   *
   * @param inputs of the program
   * @param target its wanted output
   */
  double of(Map<String, Tensor> inputs, Tensor target);

  /** Of a network that an engine has loaded. */
  static NetworkLoss of(Executable network) {
    return (inputs, target) ->
        meanSquare(
            Objects.requireNonNull(network.run(inputs).get(NetworkInputs.PREDICTION)).floats(),
            target.floats());
  }

  private static double meanSquare(FloatBuffer prediction, FloatBuffer target) {
    double sum = 0;
    for (int i = 0; i < target.remaining(); i++) {
      double error = prediction.get(i) - target.get(i);
      sum += error * error;
    }
    return sum / target.remaining();
  }
}
