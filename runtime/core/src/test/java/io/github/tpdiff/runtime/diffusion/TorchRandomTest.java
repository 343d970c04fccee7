package io.github.tpdiff.runtime.diffusion;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TorchRandomTest {

  @Test
  void everyCall_matchesTorchFromTheSameSeed() {
    var golden = new Golden("numerics/randn");
    for (JsonNode run : golden.args.get("runs")) {
      var random = new TorchRandom(run.get("seed").asLong());
      boolean floats = run.get("dtype").asText().equals("F32");
      for (int i = 0; i < run.get("calls").size(); i++) {
        JsonNode call = run.get("calls").get(i);
        int n = 1;
        for (JsonNode dim : call.get("shape")) {
          n *= dim.asInt();
        }
        String name = "out." + run.get("name").asText() + "." + i;
        switch (call.get("fn").asText()) {
          case "randn" ->
              golden.assertMatches(name, floats ? doubles(random.randn(n)) : random.randnDouble(n));
          case "rand" ->
              golden.assertEquals(name, floats ? doubles(random.rand(n)) : random.randDouble(n));
          case "randint" ->
              golden.assertEquals(
                  name,
                  Arrays.stream(
                          random.randint(call.get("low").asLong(), call.get("high").asLong(), n))
                      .asDoubleStream()
                      .toArray());
          case "randperm" ->
              golden.assertEquals(
                  name, Arrays.stream(random.randperm(n)).asDoubleStream().toArray());
          default -> throw new IllegalStateException(call.toString());
        }
      }
    }
  }

  @Test
  void kaimingUniform_matchesTorch() {
    var golden = new Golden("numerics/kaiming-uniform");
    for (JsonNode run : golden.args.get("runs")) {
      int n = 1;
      for (JsonNode dim : run.get("shape")) {
        n *= dim.asInt();
      }
      var random = new TorchRandom(run.get("seed").asLong());
      golden.assertMatches(
          "out." + run.get("name").asText() + ".values",
          doubles(random.kaimingUniform(n, n / run.get("shape").get(0).asInt())));
    }
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }
}
