package io.github.tpdiff.runtime.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The oracle against numbers worked out by hand or taken from tables. */
class ReferenceEngineTest {

  private static Tensor evaluate(Value output, Map<String, Tensor> inputs) {
    var weights = MemoryTensors.builder();
    var program = new OperationCase("case", output).program();
    var given = new LinkedHashMap<String, Tensor>();
    inputs.forEach(
        (name, tensor) -> {
          if (program.weights().containsKey(name)) {
            var shape = Arrays.stream(tensor.shape()).boxed().toList();
            weights.addFloats(name, shape, tensor.toFloatArray());
          } else {
            given.put(name, tensor);
          }
        });
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights.build())) {
      return Objects.requireNonNull(executable.run(given).get("output"));
    }
  }

  private static Tensor vector(float... values) {
    return Tensor.ofFloats(values, values.length);
  }

  @Test
  void linear_isRowsTimesColumnsPlusBias() {
    var y = Value.input("x", 1, 2).linear(Value.weight("w", 2, 2), Value.weight("b", 2));

    assertThat(
            evaluate(
                    y,
                    Map.of(
                        "x", Tensor.ofFloats(new float[] {1, 2}, 1, 2),
                        "w", Tensor.ofFloats(new float[] {3, 4, 5, 6}, 2, 2),
                        "b", vector(10, 20)))
                .toFloatArray())
        .containsExactly(1 * 3 + 2 * 4 + 10, 1 * 5 + 2 * 6 + 20);
  }

  @Test
  void conv_correlatesWithZerosOutside() {
    var y =
        Value.input("x", 1, 1, 3)
            .conv(new Op.Conv(List.of(2), List.of(1), List.of(1)), Value.weight("w", 1, 1, 3));

    assertThat(
            evaluate(
                    y,
                    Map.of(
                        "x", Tensor.ofFloats(new float[] {1, 2, 3}, 1, 1, 3),
                        "w", Tensor.ofFloats(new float[] {100, 10, 1}, 1, 1, 3)))
                .toFloatArray())
        .containsExactly(12, 230);
  }

  @Test
  void attention_averagesValuesBySoftmax() {
    var q = Value.input("q", 1, 1, 1);
    var k = Value.input("k", 1, 2, 1);
    var v = Value.input("v", 1, 2, 1);
    float ln3 = (float) Math.log(3);

    assertThat(
            evaluate(
                    q.attention(new Op.Attention(1, 0.5), k, v),
                    Map.of(
                        "q", Tensor.ofFloats(new float[] {2}, 1, 1, 1),
                        "k", Tensor.ofFloats(new float[] {ln3, 0}, 1, 2, 1),
                        "v", Tensor.ofFloats(new float[] {4, 8}, 1, 2, 1)))
                .toFloatArray()[0])
        .isCloseTo(4 * 0.75f + 8 * 0.25f, offset(1e-6f));
  }

  @Test
  void rotary_turnsNeighbouringPairs() {
    var y = Value.input("x", 1, 1, 4).rotary(1, Value.input("cos", 1, 2), Value.input("sin", 1, 2));

    assertThat(
            evaluate(
                    y,
                    Map.of(
                        "x", Tensor.ofFloats(new float[] {1, 2, 3, 4}, 1, 1, 4),
                        "cos", Tensor.ofFloats(new float[] {0, 0.5f}, 1, 2),
                        "sin", Tensor.ofFloats(new float[] {1, 2}, 1, 2)))
                .toFloatArray())
        .containsExactly(-2, 1, 3 * 0.5f - 4 * 2, 3 * 2 + 4 * 0.5f);
  }

  @Test
  void norms_followTheirFormulas() {
    var x = Value.input("x", 2);
    var given = Map.of("x", vector(3, 5), "w", vector(10, 100), "b", vector(1, 1));

    assertThat(
            evaluate(x.layerNorm(0, Value.weight("w", 2), Value.weight("b", 2)), given)
                .toFloatArray())
        .containsExactly(-9, 101);
    assertThat(
            evaluate(
                    x.rmsNorm(0, Value.weight("w", 2)),
                    Map.of("x", vector(1, 7), "w", vector(10, 100)))
                .toFloatArray())
        .containsExactly(2, 140);
    assertThat(
            evaluate(
                    Value.input("x", 1, 2, 2)
                        .groupNorm(
                            new Op.GroupNorm(1, 0), Value.weight("w", 2), Value.weight("b", 2)),
                    Map.of(
                        "x",
                        Tensor.ofFloats(new float[] {1, 5, 1, 5}, 1, 2, 2),
                        "w",
                        vector(10, 100),
                        "b",
                        vector(1, 2)))
                .toFloatArray())
        .containsExactly(-9, 11, -98, 102);
    assertThat(evaluate(x.l2Normalize(0), Map.of("x", vector(3, 4))).toFloatArray())
        .containsExactly(0.6f, 0.8f);
    assertThat(evaluate(x.l2Norm(0), Map.of("x", vector(3, 4))).toFloatArray()).containsExactly(5);
    assertThat(evaluate(x.l2Normalize(0), Map.of("x", vector(0, 0))).toFloatArray())
        .containsExactly(0, 0);
  }

  @Test
  void functions_matchTables() {
    // Φ(1) = 0.8413447460685429; tanh form after Hendrycks & Gimpel, evaluated independently.
    assertFunction(Op.UnaryKind.GELU_ERF, 1, 0.8413447460685429);
    assertFunction(Op.UnaryKind.GELU_ERF, -3, -3 * 0.00134989803163009);
    assertFunction(Op.UnaryKind.GELU_TANH, 1, 0.8411919906082768);
    assertFunction(Op.UnaryKind.QUICK_GELU, 1, 0.8457957659328212);
    assertFunction(Op.UnaryKind.SIGMOID, 2, 0.8807970779778823);
    assertFunction(Op.UnaryKind.SILU, 2, 2 * 0.8807970779778823);
    assertFunction(Op.UnaryKind.TANH, 0.5, 0.462117157260009);
    assertFunction(Op.UnaryKind.EXP, 1, Math.E);
    assertFunction(Op.UnaryKind.SQRT, 2, 1.4142135623730951);
    assertFunction(Op.UnaryKind.SIN, 1, 0.8414709848078965);
    assertFunction(Op.UnaryKind.COS, 1, 0.5403023058681398);
  }

  private static void assertFunction(Op.UnaryKind kind, double at, double expected) {
    var y = evaluate(Value.input("x", 1).apply(kind), Map.of("x", vector((float) at)));
    assertThat((double) y.toFloatArray()[0])
        .as(kind.name())
        .isCloseTo(expected, offset(6e-8 * Math.max(1, Math.abs(expected))));
  }

  @Test
  void layouts_moveElements() {
    var x = Value.input("x", 2, 3);
    var given = Map.of("x", Tensor.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));

    assertThat(evaluate(x.transpose(1, 0), given).toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(evaluate(x.reshape(3, 2), given).toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(evaluate(x.slice(1, 1, 3), given).toFloatArray()).containsExactly(2, 3, 5, 6);
    assertThat(evaluate(Value.concat(1, x.slice(1, 2, 3), x.slice(1, 0, 1)), given).toFloatArray())
        .containsExactly(3, 1, 6, 4);
    assertThat(evaluate(x.slice(1, 0, 1).repeat(2, 2), given).toFloatArray())
        .containsExactly(1, 1, 1, 1, 4, 4, 4, 4);
    assertThat(evaluate(x.slice(0, 0, 1).expand(2, 3), given).toFloatArray())
        .containsExactly(1, 2, 3, 1, 2, 3);
    assertThat(
            evaluate(x.slice(1, 0, 1).pad(new Op.Pad(List.of(0, 1), List.of(1, 0))), given)
                .toFloatArray())
        .containsExactly(0, 1, 0, 4, 0, 0);
    assertThat(evaluate(x.gather(Value.indices(new long[] {1, 0, 1}, 3)), given).toFloatArray())
        .containsExactly(4, 5, 6, 1, 2, 3, 4, 5, 6);
  }

  @Test
  void elementwise_broadcastsCastsAndClamps() {
    var x = Value.input("x", 2, 1);
    var given = Map.of("x", Tensor.ofFloats(new float[] {-1.75f, 2.5f}, 2, 1));

    assertThat(evaluate(x.minus(Value.constant(new float[] {1, 2}, 2)), given).toFloatArray())
        .containsExactly(-2.75f, -3.75f, 1.5f, 0.5f);
    assertThat(evaluate(x.cast(ElementType.I64), given).longs().get(0)).isEqualTo(-1);
    assertThat(evaluate(x.clamp(-1, 2), given).toFloatArray()).containsExactly(-1, 2);
    assertThat(evaluate(x.dividedBy(Value.constant(2)), given).toFloatArray())
        .containsExactly(-0.875f, 1.25f);
    assertThat(
            evaluate(
                    Value.arange(Value.input("x", "n", 1).dim(0))
                        .cast(ElementType.F32)
                        .plus(Value.input("x", "n", 1)),
                    given)
                .shape())
        .containsExactly(2, 2);
  }
}
