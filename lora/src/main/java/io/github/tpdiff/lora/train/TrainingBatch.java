package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.TrainingExample;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
   * @param conditioning of each example, with a batch axis of one
   */
  static TrainingBatch of(List<TrainingExample> examples, List<Map<String, Tensor>> conditioning) {
    Stage stage = examples.get(0).stage();
    Map<String, Tensor> inputs =
        inputs(
            Latents.concat(examples.stream().map(TrainingExample::input).toList()),
            examples.stream().map(TrainingExample::timestep).toList(),
            stage.positions());
    for (String name : conditioning.get(0).keySet()) {
      inputs.put(name, join(name, conditioning));
    }
    Tensor target = tensor(Latents.concat(examples.stream().map(TrainingExample::target).toList()));
    return new TrainingBatch(inputs, target, Trainable.alike(target), stage.number());
  }

  /** The same with other weights, one a clip. */
  TrainingBatch weighted(List<Double> others) {
    float[] values = new float[others.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = others.get(i).floatValue();
    }
    return new TrainingBatch(inputs, target, Tensor.ofFloats(values, values.length), stage);
  }

  /** What the network is given beside its conditioning. */
  static Map<String, Tensor> inputs(Latents noisy, List<Double> times, int[] framePositions) {
    var inputs = new LinkedHashMap<String, Tensor>();
    inputs.put("hidden_states", tensor(noisy));
    float[] timesteps = new float[times.size()];
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = times.get(i).floatValue();
    }
    inputs.put("timestep", Tensor.ofFloats(timesteps, timesteps.length));
    float[] positions = new float[framePositions.length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = framePositions[i];
    }
    inputs.put("temporal_positions", Tensor.ofFloats(positions, positions.length));
    return inputs;
  }

  private static Tensor tensor(Latents joined) {
    var shape = joined.shape();
    return Tensor.ofFloats(
        joined.data(),
        shape.batch(),
        shape.channels(),
        shape.frames(),
        shape.height(),
        shape.width());
  }

  private static Tensor join(String name, List<Map<String, Tensor>> conditioning) {
    Tensor first = require(name, conditioning.get(0));
    if (conditioning.size() == 1) {
      return first;
    }
    long bytes = 0;
    for (Map<String, Tensor> one : conditioning) {
      bytes += require(name, one).bytes().remaining();
    }
    ByteBuffer joined =
        ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (Map<String, Tensor> one : conditioning) {
      joined.put(require(name, one).bytes());
    }
    long[] shape = first.shape();
    shape[0] = conditioning.size();
    return Tensor.of(first.type(), shape, joined.flip());
  }

  private static Tensor require(String name, Map<String, Tensor> tensors) {
    Tensor found = tensors.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "training set: a clip of the batch has no '%s'".formatted(name));
    }
    return found;
  }
}
