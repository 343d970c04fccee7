package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** What one run gives a network, under the names of the network's own inputs. */
final class NetworkRun {
  /** What a picture gives a network beside noisy latents, or in place of their first frames. */
  private static final String CONDITION = "condition";

  private final Latents noisy;
  private final Map<String, Tensor> said;
  private final int[] positions;
  private final Conditions conditions;
  private final Optional<GivenFrames> given;

  private NetworkRun(
      Latents noisy,
      Map<String, Tensor> said,
      int[] positions,
      Conditions conditions,
      Optional<GivenFrames> given) {
    this.noisy = noisy;
    this.said = said;
    this.positions = positions;
    this.conditions = conditions;
    this.given = given;
  }

  /**
   * The inputs of a run. Latents are called {@code hidden_states} or {@code sample}, with the
   * channels of a condition behind theirs; a single timestep is that of every clip, and frames,
   * rows and columns are numbered from 0 where the run does not say.
   *
   * @throws CaseException if it has times that the model cannot tell apart
   */
  static NetworkRun of(GoldenRun run, VideoModel model) {
    return find(run, model)
        .orElseThrow(
            () ->
                new CaseException(
                    "io.safetensors: in.%s: expected one for each clip, or 0 for whole frames"
                        .formatted(NetworkInputs.TIMESTEP)));
  }

  /** The same, unless it has times that the model cannot tell apart. */
  static Optional<NetworkRun> find(GoldenRun run, VideoModel model) {
    Tensor all = latents(run);
    Latents noisy = noisy(all, model);
    Map<String, Tensor> conditions = conditions(run, model, all);
    boolean takesFrames =
        model.description().flow().condition(CONDITION).isPresent()
            && !conditions.containsKey(CONDITION);
    return GivenFrames.of(timestep(run), noisy.shape())
        .filter(times -> times.isEmpty() || takesFrames)
        .map(
            times -> {
              if (takesFrames) {
                conditions.put(CONDITION, times.condition(noisy));
              }
              return new NetworkRun(
                  noisy,
                  said(run, times.tensor()),
                  positions(run, noisy),
                  new Conditions(model.description().flow(), conditions),
                  Optional.of(times).filter(own -> !own.isEmpty()));
            });
  }

  /** The inputs of a run for a network with a time for each token. */
  static NetworkRun perToken(GoldenRun run, VideoModel model) {
    Tensor all = latents(run);
    Latents noisy = noisy(all, model);
    return new NetworkRun(
        noisy,
        said(run, timestep(run)),
        positions(run, noisy),
        new Conditions(model.description().flow(), conditions(run, model, all)),
        Optional.empty());
  }

  private static Tensor latents(GoldenRun run) {
    return run.findInput(NetworkInputs.LATENTS)
        .or(() -> run.findInput("sample"))
        .orElseThrow(() -> missing(NetworkInputs.LATENTS));
  }

  private static Latents noisy(Tensor all, VideoModel model) {
    return LatentTensor.latents(LatentTensor.channels(all, 0, channels(model)));
  }

  private static int channels(VideoModel model) {
    return model.description().latents().channels();
  }

  private static Tensor timestep(GoldenRun run) {
    return run.findInput(NetworkInputs.TIMESTEP).orElseThrow(() -> missing(NetworkInputs.TIMESTEP));
  }

  /** What the run says of every step itself. */
  private static Map<String, Tensor> said(GoldenRun run, Tensor times) {
    var said = new HashMap<>(Map.of(NetworkInputs.TIMESTEP, times));
    for (String axis : List.of(NetworkInputs.ROWS, NetworkInputs.COLUMNS)) {
      run.findInput(axis)
          .ifPresent(found -> said.put(axis, NetworkInputs.positions(wholeNumbers(axis, found))));
    }
    return said;
  }

  private static int[] positions(GoldenRun run, Latents noisy) {
    return run.findInput(NetworkInputs.POSITIONS)
        .map(found -> wholeNumbers(NetworkInputs.POSITIONS, found))
        .orElseGet(() -> IntStream.range(0, noisy.frames()).toArray());
  }

  private static Map<String, Tensor> conditions(GoldenRun run, VideoModel model, Tensor all) {
    var conditions = new HashMap<String, Tensor>();
    model
        .description()
        .flow()
        .conditions()
        .forEach(
            condition ->
                run.findInput(condition.name())
                    .ifPresent(
                        value -> conditions.put(condition.name(), ofClips(value, all.shape()[0]))));
    int channels = Math.toIntExact(all.shape()[1]);
    if (channels > channels(model)) {
      conditions.put(CONDITION, LatentTensor.channels(all, channels(model), channels));
    }
    return conditions;
  }

  /** Rows of several pictures of a clip, which follow one another, as rows of the clip. */
  private static Tensor ofClips(Tensor value, long clips) {
    long[] shape = value.shape();
    if (shape.length != 3 || shape[0] <= clips || shape[0] % clips != 0) {
      return value;
    }
    return value.reshape(clips, shape[0] / clips * shape[1], shape[2]);
  }

  private static CaseException missing(String name) {
    return new CaseException("io.safetensors: in." + name + " is missing");
  }

  private static int[] wholeNumbers(String name, Tensor tensor) {
    double[] numbers = LatentTensor.numbers(tensor);
    for (double number : numbers) {
      if (number != Math.rint(number)) {
        throw new CaseException(
            "io.safetensors: in.%s: expected whole numbers, found %s".formatted(name, number));
      }
    }
    return IntStream.range(0, numbers.length)
        .map(i -> Math.toIntExact((long) numbers[i]))
        .toArray();
  }

  /** The same with its frames elsewhere. */
  NetworkRun at(int[] framePositions) {
    return new NetworkRun(noisy, said, framePositions.clone(), conditions, given);
  }

  /** Whether some frames are given, of which the network predicts nothing. */
  boolean hasGivenFrames() {
    return given.isPresent();
  }

  /**
   * How many first frames of each clip are given.
   *
   * @throws CaseException if another frame is
   */
  int[] firstFramesGiven() {
    return given
        .map(own -> own.given().stream().mapToInt(NetworkRun::first).toArray())
        .orElseGet(() -> new int[noisy.shape().batch()]);
  }

  private static int first(BitSet frames) {
    int count = frames.cardinality();
    if (frames.length() != count) {
      throw new CaseException(
          "io.safetensors: in.%s: expected 0 for the first frames alone, found it for %s"
              .formatted(NetworkInputs.TIMESTEP, frames));
    }
    return count;
  }

  /** Whether a value of the prediction, by its row-major index, is not of a given frame. */
  boolean isPredicted(int index) {
    return given.isEmpty() || !given.get().isGiven(noisy.shape(), index);
  }

  /** Where the latents lie, by the positions of their frames. */
  private StageGrid grid() {
    int stride = positions.length > 1 ? positions[1] : 1;
    for (int n = 0; n < positions.length; n++) {
      if (stride < 1 || positions[n] != n * stride) {
        throw new CaseException(
            "io.safetensors: in.%s: expected multiples of a stride, found %s"
                .formatted(NetworkInputs.POSITIONS, Arrays.toString(positions)));
      }
    }
    return StageGrid.strided(noisy.shape().grid(), stride);
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
    return ConditionedNetwork.inputs(conditions, denoiser, noisy.shape(), grid());
  }

  private Map<String, Tensor> step() {
    var step = new HashMap<>(NetworkInputs.step(noisy, List.of(), grid()));
    step.putAll(said);
    return step;
  }
}
