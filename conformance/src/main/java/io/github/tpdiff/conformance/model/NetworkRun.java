package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What one run gives a network, under the names of the network's own inputs. */
final class NetworkRun {
  private final Latents noisy;
  private final List<Double> timesteps;
  private final int[] positions;
  private final Conditions conditions;

  private NetworkRun(
      Latents noisy, List<Double> timesteps, int[] positions, Conditions conditions) {
    this.noisy = noisy;
    this.timesteps = timesteps;
    this.positions = positions;
    this.conditions = conditions;
  }

  /**
   * The inputs of a run. Latents are called {@code hidden_states} or {@code sample}; a single
   * timestep is that of every clip, and frames are numbered from 0 where the run does not say.
   */
  static NetworkRun of(GoldenRun run, VideoModel model) {
    Flow flow = model.description().flow();
    Latents noisy =
        LatentTensor.latents(
            run.findInput(NetworkInputs.LATENTS)
                .or(() -> run.findInput("sample"))
                .orElseThrow(() -> missing(NetworkInputs.LATENTS)));
    double[] timesteps =
        numbers(
            run.findInput(NetworkInputs.TIMESTEP)
                .orElseThrow(() -> missing(NetworkInputs.TIMESTEP)));
    var conditions = new HashMap<String, Tensor>();
    flow.conditions()
        .forEach(
            condition ->
                run.findInput(condition.name())
                    .ifPresent(value -> conditions.put(condition.name(), value)));
    return new NetworkRun(
        noisy,
        timesteps.length == 1
            ? Collections.nCopies(noisy.shape().batch(), timesteps[0])
            : IntStream.range(0, timesteps.length).mapToObj(i -> timesteps[i]).toList(),
        run.findInput(NetworkInputs.POSITIONS)
            .map(NetworkRun::wholeNumbers)
            .orElseGet(() -> IntStream.range(0, noisy.frames()).toArray()),
        new Conditions(flow, conditions));
  }

  private static CaseException missing(String name) {
    return new CaseException("io.safetensors: in." + name + " is missing");
  }

  private static double[] numbers(Tensor tensor) {
    int count = Math.toIntExact(tensor.elementCount());
    return tensor.type() == ElementType.F32
        ? IntStream.range(0, count).mapToDouble(i -> tensor.floats().get(i)).toArray()
        : IntStream.range(0, count).mapToDouble(i -> tensor.longs().get(i)).toArray();
  }

  private static int[] wholeNumbers(Tensor tensor) {
    double[] numbers = numbers(tensor);
    for (double number : numbers) {
      if (number != Math.rint(number)) {
        throw new CaseException(
            "io.safetensors: in.%s: expected whole numbers, found %s"
                .formatted(NetworkInputs.POSITIONS, number));
      }
    }
    return IntStream.range(0, numbers.length)
        .map(i -> Math.toIntExact((long) numbers[i]))
        .toArray();
  }

  /** The same with its frames elsewhere. */
  NetworkRun at(int[] framePositions) {
    return new NetworkRun(noisy, timesteps, framePositions.clone(), conditions);
  }

  /** Of the latents' frames. */
  int[] positions() {
    return positions.clone();
  }

  /** The prediction of a model's denoiser. */
  Tensor predict(VideoModel model, Engine engine) {
    String denoiser = model.description().denoiser();
    try (DenoiserSession network = DenoiserSession.of(PipelineParts.of(model, engine), denoiser)) {
      return predict(network, denoiser);
    }
  }

  /** The prediction of a network that may have been asked before. */
  Tensor predict(DenoiserSession network, String denoiser) {
    try (DenoiserSession.Bound bound = network.bind(List.of(conditions(denoiser))).get(0)) {
      return bound.predict(step());
    }
  }

  /** All inputs of a model's denoiser and its conditioning as one. */
  Map<String, Tensor> inputs(VideoModel model) {
    var inputs = new HashMap<>(conditions(model.description().denoiser()));
    inputs.putAll(step());
    return inputs;
  }

  private Map<String, Tensor> conditions(String denoiser) {
    return ConditionedNetwork.inputs(conditions, denoiser, noisy.shape(), positions);
  }

  private Map<String, Tensor> step() {
    return NetworkInputs.step(noisy, timesteps, positions);
  }
}
