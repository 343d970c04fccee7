package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Steps on one batch with everything they pass through, for comparison with other trainers. */
public final class FixedBatchTraining {
  private FixedBatchTraining() {}

  /**
   * The batch of every step.
   *
   * @param inputs of the program
   * @param target its wanted output
   */
  public record Batch(Map<String, Tensor> inputs, Tensor target) {}

  /**
   * One step.
   *
   * @param loss before it
   * @param prediction before it
   * @param gradientNorm over all gradients
   * @param gradients before it, by weight name
   * @param parameters after it, by weight name
   */
  public record Step(
      double loss,
      Tensor prediction,
      double gradientNorm,
      Map<String, float[]> gradients,
      Map<String, float[]> parameters) {}

  /** Trains without clipping at a constant rate; changes the target's parameters. */
  public static List<Step> steps(
      TrainingTarget target, TrainingEngine engine, Batch batch, Plan plan) {
    var optimizer = new AdamW(plan.adamW());
    var steps = new ArrayList<Step>();
    try (Trainable model =
        engine.train(
            target.program(), target.weights(), target.parameters().keySet(), plan.activations())) {
      for (int i = 0; i < plan.steps(); i++) {
        var result = model.gradients(batch.inputs(), batch.target());
        var gradients = new LinkedHashMap<String, float[]>();
        var values = new LinkedHashMap<String, float[]>();
        result.gradients().forEach((name, tensor) -> gradients.put(name, tensor.toFloatArray()));
        target.parameters().forEach((name, p) -> values.put(name, p.values()));
        double norm = GradientNorm.of(gradients.values());
        optimizer.step(values, gradients, plan.learningRate());
        var tensors = new LinkedHashMap<String, Tensor>();
        target.parameters().forEach((name, p) -> tensors.put(name, p.toTensor()));
        model.update(tensors);
        steps.add(
            new Step(
                result.loss(), result.prediction(), norm, gradients, copies(target.parameters())));
      }
    }
    return steps;
  }

  private static Map<String, float[]> copies(Map<String, Parameter> parameters) {
    var copies = new LinkedHashMap<String, float[]>();
    parameters.forEach((name, p) -> copies.put(name, p.values().clone()));
    return copies;
  }

  /**
   * How many steps of what size.
   *
   * @param steps to do
   * @param learningRate of each
   * @param adamW betas, eps, weight decay
   * @param activations what a step holds in memory
   */
  public record Plan(
      int steps, double learningRate, AdamW.Settings adamW, Activations activations) {}
}
