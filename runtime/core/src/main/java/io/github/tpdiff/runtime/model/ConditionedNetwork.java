package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A network under one or several conditions, such as a prompt and the one that guidance leads away
 * from: the same latents are predicted under each.
 *
 * <p>The one place where a network is given its inputs: samplers, samples while training, the
 * comparison of parts, the bench and conformance all ask it.
 */
public final class ConditionedNetwork implements AutoCloseable {
  private final DenoiserSession network;
  private final String denoiser;
  private final List<Conditions> conditions;
  private final boolean together;
  private List<DenoiserSession.Bound> bound = List.of();
  private int[] boundTo = {};

  private ConditionedNetwork(
      DenoiserSession network, String denoiser, List<Conditions> conditions, boolean together) {
    this.network = network;
    this.denoiser = denoiser;
    this.conditions = conditions;
    this.together = together;
  }

  /**
   * A network that asks for each of the conditions in a pass of its own.
   *
   * @param network stays the caller's to close
   * @param denoiser its name in the flow
   */
  public static ConditionedNetwork inTurn(
      DenoiserSession network, String denoiser, List<Conditions> conditions) {
    return new ConditionedNetwork(network, denoiser, List.copyOf(conditions), false);
  }

  /** The same that asks for all conditions in one pass, as a batch. */
  public static ConditionedNetwork together(
      DenoiserSession network, String denoiser, List<Conditions> conditions) {
    return conditions.size() == 1
        ? inTurn(network, denoiser, conditions)
        : new ConditionedNetwork(network, denoiser, List.of(Conditions.join(conditions)), true);
  }

  /** The predictions under the first condition alone. */
  public Denoiser denoiser() {
    return (x, timestep, positions) -> predict(x, timestep, positions).get(0);
  }

  /**
   * The guided predictions of a network under a prompt and, where guidance needs it, its negative.
   */
  public Denoiser guided(Guidance guidance) {
    return (x, timestep, positions) -> guidance.combine(predict(x, timestep, positions));
  }

  /**
   * The prediction under each of the conditions.
   *
   * @throws CheckpointException if one has another shape than {@code x}
   */
  public List<Latents> predict(Latents x, double timestep, int[] framePositions) {
    return predict(x, Collections.nCopies(x.shape().batch(), timestep), framePositions);
  }

  /** The same with a timestep for each clip of the batch. */
  public List<Latents> predict(Latents x, List<Double> timesteps, int[] framePositions) {
    bind(x.shape(), framePositions);
    if (!together) {
      Map<String, Tensor> step = NetworkInputs.step(x, timesteps, framePositions);
      return bound.stream().map(one -> latents(one.predict(step), x.shape())).toList();
    }
    int times = conditions.get(0).batch() / x.shape().batch();
    var allSteps = new ArrayList<Double>();
    for (int i = 0; i < times; i++) {
      allSteps.addAll(timesteps);
    }
    Latents repeated = Latents.concat(Collections.nCopies(times, x));
    Latents all =
        latents(
            bound.get(0).predict(NetworkInputs.step(repeated, allSteps, framePositions)),
            repeated.shape());
    int size = x.data().length;
    var each = new ArrayList<Latents>();
    for (int i = 0; i < times; i++) {
      each.add(Latents.of(x.shape(), Arrays.copyOfRange(all.data(), i * size, (i + 1) * size)));
    }
    return each;
  }

  private void bind(LatentShape shape, int[] framePositions) {
    if (!bound.isEmpty() && (!followStages() || Arrays.equals(boundTo, framePositions))) {
      return;
    }
    release();
    boundTo = framePositions.clone();
    bound =
        network.bind(
            conditions.stream().map(own -> inputs(own, denoiser, shape, framePositions)).toList());
  }

  private boolean followStages() {
    return conditions.stream()
        .anyMatch(own -> own.flow().network(denoiser).stream().anyMatch(own::followStages));
  }

  /** The inputs of a whole network but those of each step. */
  public static Map<String, Tensor> inputs(
      Conditions conditions, String denoiser, LatentShape stage, int[] framePositions) {
    var inputs = new HashMap<String, Tensor>();
    LatentShape shape = stage.withBatch(conditions.batch());
    conditions
        .flow()
        .network(denoiser)
        .forEach(component -> inputs.putAll(conditions.inputs(component, shape, framePositions)));
    return inputs;
  }

  private Latents latents(Tensor prediction, LatentShape expected) {
    if (!Arrays.equals(prediction.shape(), NetworkInputs.extents(expected))) {
      throw new CheckpointException(
          "%s: %s: expected %s, found %s"
              .formatted(
                  denoiser,
                  NetworkInputs.PREDICTION,
                  expected,
                  Arrays.toString(prediction.shape())));
    }
    return Latents.of(expected, prediction.toFloatArray());
  }

  private void release() {
    bound.forEach(DenoiserSession.Bound::close);
    bound = List.of();
  }

  /** Frees what was handed over; the network stays open. */
  @Override
  public void close() {
    release();
  }
}
