package io.github.tpdiff.conformance.wan;

import io.github.tpdiff.adapters.wan.WanComponents;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;

/**
 * Kinds {@code transformer_forward}, {@code transformer_forward_original} and {@code
 * rope_positions}: one prediction from a checkpoint in either layout.
 */
public final class TransformerCase implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    try (var components = new OpenComponents(WanComponents.openTransformer(golden.checkpoint()));
        var network = WanNetwork.load(engine, components)) {
      for (GoldenRun run : golden.runs()) {
        Tensor sample = network.predict(WanNetwork.inputs(run::findInput));
        for (String output : new String[] {"sample", "sample_original"}) {
          if (run.expects(output)) {
            checks.compare(run.prefix() + output, sample);
          }
        }
      }
    }
  }
}
