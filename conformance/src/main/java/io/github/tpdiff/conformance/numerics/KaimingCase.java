package io.github.tpdiff.conformance.numerics;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.TorchRandom;

/** Kind {@code kaiming}: the start of LoRA's A. */
public final class KaimingCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      JsonNode shape = run.arg("shape");
      int count = Extents.product(shape);
      int fanIn = count / shape.path(0).asInt();
      var random = new TorchRandom(run.arg("seed").asLong());
      checks.compare(run.prefix() + "bound", new double[] {1 / Math.sqrt(fanIn)});
      checks.compare(run.prefix() + "values", Values.widened(random.kaimingUniform(count, fanIn)));
    }
  }
}
