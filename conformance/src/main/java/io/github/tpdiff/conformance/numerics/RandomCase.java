package io.github.tpdiff.conformance.numerics;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import java.util.Arrays;

/** Kind {@code randn}: PyTorch's CPU generator, call after call from one seed. */
public final class RandomCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      var random = new TorchRandom(run.args().bits("seed"));
      int index = 0;
      for (Arguments call : run.args().entries("calls")) {
        String output = run.prefix() + index++;
        // The function alone decides between floats and integers, the type between floats.
        switch (call.text("fn")) {
          case "randn", "rand" -> checks.compare(output, floats(random, call));
          case "randint" ->
              checks.compare(
                  output, random.randint(call.bits("low"), call.bits("high"), count(call)));
          case "randperm" ->
              checks.compare(
                  output, Arrays.stream(random.randperm(count(call))).asLongStream().toArray());
          default ->
              throw new CaseException(
                  "args.runs.calls.fn: expected randn, rand, randint or randperm, found "
                      + call.text("fn"));
        }
      }
    }
  }

  private static double[] floats(TorchRandom random, Arguments call) {
    boolean normal = call.text("fn").equals("randn");
    int n = count(call);
    String dtype = call.findText("dtype").orElse("F32");
    return switch (dtype) {
      case "F32" -> Values.widened(normal ? random.randn(n) : random.rand(n));
      case "F64" -> normal ? random.randnDouble(n) : random.randDouble(n);
      default -> throw new CaseException("args.runs.dtype: expected F32 or F64, found " + dtype);
    };
  }

  private static int count(Arguments call) {
    return Extents.product(call.integers("shape"));
  }
}
