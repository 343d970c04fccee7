package io.github.tpdiff.conformance.numerics;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import java.util.List;

/** Kind {@code kaiming}: the start of LoRA's A. */
public final class KaimingCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      List<Integer> shape = run.args().integers("shape");
      int count = Extents.product(shape);
      int fanIn = Extents.product(shape.subList(1, shape.size()));
      var random = new TorchRandom(run.args().bits("seed"));
      checks.compare(run.prefix() + "bound", new double[] {1 / Math.sqrt(fanIn)});
      checks.compare(run.prefix() + "values", Values.widened(random.kaimingUniform(count, fanIn)));
    }
  }
}
