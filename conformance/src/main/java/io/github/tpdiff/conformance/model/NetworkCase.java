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
          Tensor sample = network.predict(Network.inputs(run::findInput));
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

  private static List<String> attentionPaths(GoldenCase golden) {
    var paths = new ArrayList<String>();
    for (JsonNode path : golden.args().path("attention_paths")) {
      paths.add(path.asText());
    }
    return paths.isEmpty() ? List.of("") : paths;
  }
}
