package io.github.tpdiff.conformance.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

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
    for (String attention : attentionPaths(golden)) {
      try (var components = new OpenComponents(parts.open(golden, attention));
          var network = Network.load(engine, components)) {
        for (GoldenRun run : golden.runs()) {
          Map<String, Tensor> inputs = Network.inputs(run::findInput);
          requireStride(run, inputs, checks);
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

  /** Where the case names a stride, frame n is at n · stride. */
  private static void requireStride(GoldenRun run, Map<String, Tensor> inputs, Checks checks) {
    JsonNode stride = run.golden().args().path("strides").path(run.name());
    Tensor positions = inputs.get("temporal_positions");
    if (!stride.isNumber() || positions == null) {
      return;
    }
    for (int n = 0; n < positions.elementCount(); n++) {
      if (positions.floats().get(n) != n * stride.asDouble()) {
        checks.fail(
            "args.strides.%s: expected frame %d at %s, found it at %s"
                .formatted(run.name(), n, n * stride.asDouble(), positions.floats().get(n)));
        return;
      }
    }
  }

  private static List<String> attentionPaths(GoldenCase golden) {
    var paths = new ArrayList<String>();
    for (JsonNode path : golden.args().path("attention_paths")) {
      paths.add(path.asText());
    }
    return paths.isEmpty() ? List.of("") : paths;
  }
}
