package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Kinds {@code transformer_forward}, {@code transformer_forward_original}, {@code rope_positions},
 * {@code unet_forward} and {@code pe_positions}: one prediction from a checkpoint in any layout,
 * once for each of {@code args.attention_paths} where the case names them.
 *
 * @param parts opens conditioning and denoiser
 */
public record NetworkCase(PartsOpener parts) implements CaseKind.OnEngine {
  private static final String POSITIONS = "temporal_positions";

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    ToldConfiguration.check(golden, checks);
    for (String attention : golden.args().findTexts("attention_paths").orElse(List.of(""))) {
      try (var components = new OpenComponents(parts.open(golden, attention));
          var network = Network.load(engine, components)) {
        for (GoldenRun run : golden.runs()) {
          Map<String, Tensor> inputs = inputs(run, checks);
          Tensor sample = network.predict(inputs);
          compare(run, attention.isEmpty() ? "" : attention + ".", sample, checks);
        }
      }
    }
  }

  private static void compare(GoldenRun run, String path, Tensor sample, Checks checks) {
    for (String output : new String[] {"sample", "sample_original"}) {
      if (run.expects(path + output)) {
        checks.compare(run.prefix() + path + output, sample);
      }
    }
  }

  /** Where the case names a stride, frame n is at n · stride, whether or not it says so itself. */
  private static Map<String, Tensor> inputs(GoldenRun run, Checks checks) {
    Map<String, Tensor> inputs = Network.inputs(run::findInput);
    Optional<Double> stride = stride(run);
    if (stride.isEmpty()) {
      return inputs;
    }
    int frames = Math.toIntExact(Network.require(inputs, "hidden_states").shape()[2]);
    var strided = new float[frames];
    for (int n = 0; n < frames; n++) {
      strided[n] = (float) (n * stride.get());
    }
    if (run.findInput(POSITIONS).isPresent()) {
      float[] found = Network.require(inputs, POSITIONS).toFloatArray();
      if (!Arrays.equals(strided, found)) {
        checks.fail(
            "in.%s%s: expected %s, as args.strides has it, found %s"
                .formatted(
                    run.prefix(), POSITIONS, Arrays.toString(strided), Arrays.toString(found)));
      }
    }
    inputs.put(POSITIONS, Tensor.ofFloats(strided, frames));
    return inputs;
  }

  /** Strides are named after runs, or listed as the runs are. */
  private static Optional<Double> stride(GoldenRun run) {
    Arguments args = run.golden().args();
    if (!args.isList("strides")) {
      return args.findGroup("strides").map(strides -> strides.number(run.name()));
    }
    List<Double> strides = args.numbers("strides");
    List<String> runs = run.golden().runs().stream().map(GoldenRun::name).toList();
    if (strides.size() != runs.size()) {
      throw new CaseException(
          "args.strides: expected one for each of %s, found %s".formatted(runs, strides));
    }
    return Optional.of(strides.get(runs.indexOf(run.name())));
  }
}
