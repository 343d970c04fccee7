package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.LoraDropout;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.TrainingExample;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the network is given and what it should answer.
 *
 * @param inputs of the program
 * @param target its wanted output
 * @param weights how much the error of each clip counts, [clips]
 * @param stage of all clips in it, by its number
 */
public record TrainingBatch(Map<String, Tensor> inputs, Tensor target, Tensor weights, int stage) {

  /**
   * Joins examples of one stage and shape.
   *
   * @param conditions of each example, with a batch axis of one
   * @param denoiser that is asked, of a model that has several
   */
  public static TrainingBatch of(
      List<TrainingExample> examples, List<Conditions> conditions, Optional<String> denoiser) {
    Stage stage = examples.get(0).stage();
    Latents noisy = Latents.concat(examples.stream().map(TrainingExample::input).toList());
    Conditions joined = Conditions.join(conditions);
    Map<String, Tensor> inputs =
        new LinkedHashMap<>(
            NetworkInputs.step(
                noisy, examples.stream().map(TrainingExample::timestep).toList(), stage.grid()));
    inputs.putAll(
        ConditionedNetwork.inputs(
            joined, denoiser.orElseGet(joined.flow()::denoiser), noisy.shape(), stage.grid()));
    List<Latents> targets = examples.stream().map(TrainingExample::target).toList();
    return of(inputs, targets, joined.givenFrames(examples.size()), stage.number());
  }

  /**
   * Of all inputs, and what is wanted of each clip.
   *
   * @param given frames of each clip that pictures give, of which nothing is learned
   */
  static TrainingBatch of(
      Map<String, Tensor> inputs, List<Latents> targets, int[] given, int stage) {
    var predicted = new ArrayList<Latents>();
    var weights = new float[given.length];
    for (int i = 0; i < given.length; i++) {
      predicted.add(targets.get(i).withZeroFrames(given[i]));
      weights[i] = ofPredicted(targets.get(i).frames(), given[i]);
    }
    return new TrainingBatch(
        inputs,
        NetworkInputs.tensor(Latents.concat(predicted)),
        Tensor.ofFloats(weights, weights.length),
        stage);
  }

  /**
   * What makes a mean over all frames one over those that the network predicts: it answers zero in
   * those that a picture gives, where the target is zero too.
   */
  private static float ofPredicted(int frames, int given) {
    return given == frames ? 0 : (float) frames / (frames - given);
  }

  /** The loss of a batch of one clip, without gradients. */
  double loss(NetworkLoss network) {
    return weights.floats().get(0) * network.of(with(LoraDropout.nothing()).inputs, target);
  }

  /** The same with more inputs. */
  TrainingBatch with(Map<String, Tensor> others) {
    var all = new LinkedHashMap<>(inputs);
    all.putAll(others);
    return new TrainingBatch(all, target, weights, stage);
  }

  /** The same with the error of each clip weighted once more. */
  TrainingBatch weighted(List<Double> others) {
    float[] values = weights.toFloatArray();
    for (int i = 0; i < values.length; i++) {
      values[i] *= others.get(i).floatValue();
    }
    return new TrainingBatch(inputs, target, Tensor.ofFloats(values, values.length), stage);
  }
}
