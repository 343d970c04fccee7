package io.github.tpdiff.conformance.numerics;

import com.fasterxml.jackson.databind.JsonNode;
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
      var random = new TorchRandom(run.arg("seed").asLong());
      boolean doubles = run.args().path("dtype").asText().equals("F64");
      int index = 0;
      for (JsonNode call : run.arg("calls")) {
        String output = run.prefix() + index++;
        if (doubles) {
          checks.compare(output, drawDoubles(random, call));
        } else {
          draw(random, call, output, checks);
        }
      }
    }
  }

  private static void draw(TorchRandom random, JsonNode call, String output, Checks checks) {
    int n = Extents.product(call.path("shape"));
    switch (call.path("fn").asText()) {
      case "randn" -> checks.compare(output, Values.widened(random.randn(n)));
      case "rand" -> checks.compare(output, Values.widened(random.rand(n)));
      case "randint" ->
          checks.compare(
              output, random.randint(call.path("low").asLong(), call.path("high").asLong(), n));
      case "randperm" ->
          checks.compare(output, Arrays.stream(random.randperm(n)).asLongStream().toArray());
      default -> throw unknown(call);
    }
  }

  private static double[] drawDoubles(TorchRandom random, JsonNode call) {
    int n = Extents.product(call.path("shape"));
    return switch (call.path("fn").asText()) {
      case "randn" -> random.randnDouble(n);
      case "rand" -> random.randDouble(n);
      default -> throw unknown(call);
    };
  }

  private static CaseException unknown(JsonNode call) {
    return new CaseException(
        "args.runs.calls.fn: expected randn, rand, randint or randperm, found " + call.path("fn"));
  }
}
