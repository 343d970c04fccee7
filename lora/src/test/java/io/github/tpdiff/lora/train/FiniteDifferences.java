package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Gradients by central differences on the reference engine: slow, and by nobody's autograd. */
final class FiniteDifferences implements TrainingEngine {
  private static final float STEP = 1e-2f;

  @Override
  public Trainable train(
      Program program, TensorSource weights, Set<String> trained, Activations activations) {
    var parameters = new LinkedHashMap<String, Parameter>();
    for (String name : trained) {
      parameters.put(name, new Parameter(weights.require(name).shape(), weights.floats(name)));
    }
    return new Differences(program, weights, parameters);
  }

  private record Differences(
      Program program, TensorSource weights, Map<String, Parameter> parameters)
      implements Trainable {
    @Override
    public void update(Map<String, Tensor> values) {
      values.forEach(
          (name, tensor) -> tensor.floats().get(requireNonNull(parameters.get(name)).values()));
    }

    @Override
    public Gradients gradients(Map<String, Tensor> inputs, Tensor target, Tensor weights) {
      var gradients = new LinkedHashMap<String, Tensor>();
      parameters.forEach(
          (name, p) -> {
            float[] gradient = new float[p.values().length];
            for (int i = 0; i < gradient.length; i++) {
              float kept = p.values()[i];
              p.values()[i] = kept + STEP;
              double above = loss(predict(inputs), target, weights);
              p.values()[i] = kept - STEP;
              gradient[i] = (float) ((above - loss(predict(inputs), target, weights)) / (2 * STEP));
              p.values()[i] = kept;
            }
            gradients.put(name, new Parameter(p.shape(), gradient).toTensor());
          });
      Tensor prediction = predict(inputs);
      return new Gradients(loss(prediction, target, weights), prediction, gradients);
    }

    @Override
    public Tensor predict(Map<String, Tensor> inputs) {
      try (var engine = new ReferenceEngine();
          var executable = engine.load(program, weights.overlaid(Parameter.source(parameters)))) {
        return requireNonNull(executable.run(inputs).get(program.outputs().get(0)));
      }
    }

    @Override
    public double loss(Map<String, Tensor> inputs, Tensor target) {
      return loss(predict(inputs), target, Trainable.alike(target));
    }

    private static double loss(Tensor prediction, Tensor target, Tensor weights) {
      float[] w = weights.toFloatArray();
      float[] p = prediction.toFloatArray();
      float[] t = target.toFloatArray();
      double sum = 0;
      for (int i = 0; i < p.length; i++) {
        double error = (double) p[i] - t[i];
        sum += error * error * w[i / (p.length / w.length)];
      }
      return sum / p.length;
    }

    @Override
    public void close() {}
  }
}
