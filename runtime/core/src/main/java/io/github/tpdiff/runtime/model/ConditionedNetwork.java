package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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

  /** How many conditions one pass is told, as a batch. */
  private final int inOnePass;

  private List<DenoiserSession.Bound> bound = List.of();
  private Optional<Stage> boundTo = Optional.empty();

  /** What inputs that follow the stage depend on. */
  private record Stage(LatentShape shape, StageGrid grid) {}

  private ConditionedNetwork(
      DenoiserSession network, String denoiser, List<Conditions> conditions, int inOnePass) {
    this.network = network;
    this.denoiser = denoiser;
    this.conditions = conditions;
    this.inOnePass = inOnePass;
  }

  /**
   * A network that asks for each of the conditions in a pass of its own.
   *
   * @param network stays the caller's to close
   * @param denoiser its name in the flow
   */
  public static ConditionedNetwork inTurn(
      DenoiserSession network, String denoiser, List<Conditions> conditions) {
    return new ConditionedNetwork(network, denoiser, List.copyOf(conditions), 1);
  }

  /** The same that asks for all conditions in one pass, as a batch. */
  public static ConditionedNetwork together(
      DenoiserSession network, String denoiser, List<Conditions> conditions) {
    return new ConditionedNetwork(
        network, denoiser, List.of(Conditions.join(conditions)), conditions.size());
  }

  /** The predictions under the first condition alone. */
  public Denoiser denoiser() {
    return (x, timestep, grid) -> predict(x, timestep, grid).get(0);
  }

  /**
   * The guided predictions of a network under a prompt and, where guidance needs it, its negative.
   */
  public Denoiser guided(Guidance guidance) {
    return (x, timestep, grid) -> guidance.combine(predict(x, timestep, grid));
  }

  /**
   * The prediction under each of the conditions.
   *
   * @throws CheckpointException if one has another shape than {@code x}
   */
  public List<Latents> predict(Latents x, double timestep, StageGrid grid) {
    return predict(x, Collections.nCopies(x.shape().batch(), timestep), grid);
  }

  /**
   * The prediction under one of the conditions alone, of a network that is asked in turn.
   *
   * @throws CheckpointException if it has another shape than {@code x}
   */
  public Latents predict(int condition, Latents x, double timestep, StageGrid grid) {
    bind(x.shape(), grid);
    List<Double> times = Collections.nCopies(x.shape().batch(), timestep);
    return latents(bound.get(condition).predict(NetworkInputs.step(x, times, grid)), x.shape());
  }

  /** The same with a timestep for each clip of the batch. */
  public List<Latents> predict(Latents x, List<Double> timesteps, StageGrid grid) {
    Latents asked = Latents.concat(Collections.nCopies(inOnePass, x));
    List<Double> times =
        Collections.nCopies(inOnePass, timesteps).stream().flatMap(List::stream).toList();
    bind(asked.shape(), grid);
    Map<String, Tensor> step = NetworkInputs.step(asked, times, grid);
    return bound.stream()
        .map(one -> latents(one.predict(step), asked.shape()))
        .flatMap(all -> split(all, x.shape()))
        .toList();
  }

  /** The clips of each condition. */
  private static Stream<Latents> split(Latents all, LatentShape each) {
    int size = each.elements();
    return IntStream.range(0, all.data().length / size)
        .mapToObj(i -> Latents.of(each, Arrays.copyOfRange(all.data(), i * size, (i + 1) * size)));
  }

  private void bind(LatentShape shape, StageGrid grid) {
    var stage = new Stage(shape, grid);
    if (boundTo.isPresent() && (!followStages() || boundTo.get().equals(stage))) {
      return;
    }
    close();
    bound =
        network.bind(conditions.stream().map(own -> inputs(own, denoiser, shape, grid)).toList());
    boundTo = Optional.of(stage);
  }

  private boolean followStages() {
    return conditions.stream()
        .anyMatch(own -> own.flow().network(denoiser).stream().anyMatch(own::followStages));
  }

  /**
   * The inputs of a whole network but those of each step.
   *
   * @param stage the shape of the latents in the stage, all clips of the batch included
   */
  public static Map<String, Tensor> inputs(
      Conditions conditions, String denoiser, LatentShape stage, StageGrid grid) {
    var inputs = new HashMap<String, Tensor>();
    conditions
        .flow()
        .network(denoiser)
        .forEach(component -> inputs.putAll(conditions.inputs(component, stage, grid)));
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

  /** Frees what was handed over; the network stays open. */
  @Override
  public void close() {
    bound.forEach(DenoiserSession.Bound::close);
    bound = List.of();
    boundTo = Optional.empty();
  }
}
