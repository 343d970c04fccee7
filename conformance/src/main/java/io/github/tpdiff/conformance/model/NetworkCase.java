package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;

/**
 * Kinds {@code transformer_forward}, {@code transformer_forward_original}, {@code rope_positions},
 * {@code unet_forward} and {@code pe_positions}: one prediction from a checkpoint in any layout.
 *
 * @param parts opens conditioning and denoiser
 */
public record NetworkCase(PartsOpener parts) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    try (var components = new OpenComponents(parts.open(golden));
        var network = Network.load(engine, components)) {
      for (GoldenRun run : golden.runs()) {
        Tensor sample = network.predict(Network.inputs(run::findInput));
        for (String output : new String[] {"sample", "sample_original"}) {
          if (run.expects(output)) {
            checks.compare(run.prefix() + output, sample);
          }
        }
      }
    }
  }
}
