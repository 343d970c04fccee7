package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Kinds {@code transformer_forward}, {@code transformer_forward_original}, {@code rope_positions},
 * {@code unet_forward} and {@code pe_positions}: one prediction from a checkpoint in any layout,
 * once for each of {@code args.attention_paths} where the case names them.
 *
 * @param parts opens conditioning and denoiser
 * @param perToken opens the same for times of their own of all tokens, for runs whose times are not
 *     those of clips and given frames
 */
public record NetworkCase(PartsOpener parts, PartsOpener perToken) implements CaseKind.OnEngine {
  /** A case of a family whose tokens have no times of their own. */
  public NetworkCase(PartsOpener parts) {
    this(
        parts,
        PartsOpener.of(
            golden -> {
              throw new CaseException(
                  "io.safetensors: in.timestep: expected one for each clip of family "
                      + golden.family());
            }));
  }

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    ToldConfiguration.check(golden, golden.checkpoint(), checks);
    for (String attention : golden.args().findTexts("attention_paths").orElse(List.of(""))) {
      check(golden.runs(), attention, engine, checks);
    }
  }

  /** Some runs of one case. */
  void check(List<GoldenRun> runs, String attention, Engine engine, Checks checks) {
    GoldenCase golden = runs.get(0).golden();
    var rest = new ArrayList<GoldenRun>();
    try (VideoModel model = CaseModel.network(parts.open(golden, attention));
        DenoiserSession network = network(model, engine)) {
      for (GoldenRun run : runs) {
        NetworkRun.find(run, model)
            .ifPresentOrElse(
                inputs -> {
                  var strided = strided(inputs, run, checks);
                  var found = new Prediction(strided, strided.predict(network, denoiser(model)));
                  compare(run, attention, found, checks);
                  if (inputs.hasGivenFrames()) {
                    rest.add(run); // upstream has a prediction of them too
                  }
                },
                () -> rest.add(run));
      }
    }
    if (!rest.isEmpty()) {
      checkPerToken(rest, perToken.open(golden, attention), engine, checks);
    }
  }

  private static void checkPerToken(
      List<GoldenRun> runs, Map<String, Component> parts, Engine engine, Checks checks) {
    try (VideoModel model = CaseModel.network(parts);
        DenoiserSession network = network(model, engine)) {
      for (GoldenRun run : runs) {
        var strided = strided(NetworkRun.perToken(run, model), run, checks);
        var found = new Prediction(strided, strided.predict(network, denoiser(model)));
        compare(run, "", found, checks);
      }
    }
  }

  private static String denoiser(VideoModel model) {
    return model.description().denoiser();
  }

  private static DenoiserSession network(VideoModel model, Engine engine) {
    return DenoiserSession.of(PipelineParts.of(model, engine), denoiser(model));
  }

  /** What a network gave. */
  private record Prediction(NetworkRun inputs, Tensor sample) {}

  private static void compare(GoldenRun run, String attention, Prediction found, Checks checks) {
    String path = attention.isEmpty() ? "" : attention + ".";
    for (String output : new String[] {"sample", "sample_original"}) {
      if (run.expects(path + output)) {
        checks.compareWhere(
            run.prefix() + path + output, found.sample(), found.inputs()::isPredicted);
      }
    }
  }

  /** Where the case names a stride, frame n is at n · stride, whether or not it says so itself. */
  private static NetworkRun strided(NetworkRun inputs, GoldenRun run, Checks checks) {
    Optional<Integer> stride = stride(run);
    if (stride.isEmpty()) {
      return inputs;
    }
    int[] found = inputs.positions();
    int[] strided = IntStream.range(0, found.length).map(n -> n * stride.get()).toArray();
    if (run.findInput(NetworkInputs.POSITIONS).isPresent() && !Arrays.equals(strided, found)) {
      checks.fail(
          "in.%s%s: expected %s, as args.strides has it, found %s"
              .formatted(
                  run.prefix(),
                  NetworkInputs.POSITIONS,
                  Arrays.toString(strided),
                  Arrays.toString(found)));
    }
    return inputs.at(strided);
  }

  /** Strides are named after runs, or listed as the runs are. */
  private static Optional<Integer> stride(GoldenRun run) {
    Arguments args = run.golden().args();
    if (!args.isList("strides")) {
      return args.findGroup("strides").map(strides -> whole(strides.number(run.name())));
    }
    List<Double> strides = args.numbers("strides");
    List<String> runs = run.golden().runs().stream().map(GoldenRun::name).toList();
    if (strides.size() != runs.size()) {
      throw new CaseException(
          "args.strides: expected one for each of %s, found %s".formatted(runs, strides));
    }
    return Optional.of(whole(strides.get(runs.indexOf(run.name()))));
  }

  private static int whole(double stride) {
    if (stride != (int) stride) {
      throw new CaseException("args.strides: expected whole numbers, found " + stride);
    }
    return (int) stride;
  }
}
