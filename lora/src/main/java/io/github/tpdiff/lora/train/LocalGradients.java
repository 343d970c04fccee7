package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Gradients from this process's engine, one batch after the other.
 *
 * @param model with the present values
 * @param trained names of the trained tensors
 */
record LocalGradients(Trainable model, Iterable<String> trained) implements GradientSource {
  @Override
  public Optional<StepGradients> mean(StepBatches step) {
    var losses = new ArrayList<BatchLoss>();
    var sums = new LinkedHashMap<String, float[]>();
    for (int i = 0; i < step.count(); i++) {
      if (step.stopAsked().getAsBoolean()) {
        return Optional.empty();
      }
      TrainingBatch batch = step.batches().apply(i);
      var found = model.gradients(batch.inputs(), batch.target(), batch.weights());
      losses.add(new BatchLoss(batch.stage(), found.loss()));
      add(found.gradients(), 1f / step.count(), sums);
    }
    return Optional.of(new StepGradients(losses, sums));
  }

  private void add(Map<String, Tensor> gradients, float share, Map<String, float[]> sums) {
    for (String name : trained) {
      Tensor gradient = gradients.get(name);
      if (gradient == null) {
        throw new IllegalStateException("engine gave no gradient of '%s'".formatted(name));
      }
      float[] values = gradient.toFloatArray();
      float[] sum = sums.computeIfAbsent(name, n -> new float[values.length]);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += share * values[i];
      }
    }
  }
}
