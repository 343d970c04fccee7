package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Kinds {@code transformer_forward}, {@code transformer_forward_original}, {@code rope_positions},
 * {@code unet_forward} and {@code pe_positions}: one prediction from a checkpoint in any layout,
 * once for each of {@code args.attention_paths} where the case names them.
 *
 * @param parts opens conditioning and denoiser
 */
public record NetworkCase(PartsOpener parts) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    ToldConfiguration.check(golden, checks);
    for (String attention : golden.args().findTexts("attention_paths").orElse(List.of(""))) {
      try (VideoModel model = CaseModel.network(parts.open(golden, attention));
          DenoiserSession network = network(model, engine)) {
        for (GoldenRun run : golden.runs()) {
          NetworkRun inputs = inputs(run, model, checks);
          Tensor sample = inputs.predict(network, model.description().denoiser());
          compare(run, attention.isEmpty() ? "" : attention + ".", sample, checks);
        }
      }
    }
  }

  private static DenoiserSession network(VideoModel model, Engine engine) {
    return DenoiserSession.of(PipelineParts.of(model, engine), model.description().denoiser());
  }

  private static void compare(GoldenRun run, String path, Tensor sample, Checks checks) {
    for (String output : new String[] {"sample", "sample_original"}) {
      if (run.expects(path + output)) {
        checks.compare(run.prefix() + path + output, sample);
      }
    }
  }

  /** Where the case names a stride, frame n is at n · stride, whether or not it says so itself. */
  private static NetworkRun inputs(GoldenRun run, VideoModel model, Checks checks) {
    NetworkRun inputs = NetworkRun.of(run, model);
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
