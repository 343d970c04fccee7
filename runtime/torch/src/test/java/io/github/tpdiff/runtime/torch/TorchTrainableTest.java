package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.engine.Activations.RECOMPUTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Loss;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TorchTrainableTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();

  private static Value weight(String name, long... shape) {
    return Value.weight(name, shape);
  }

  /** One small graph for each operation, over trained weights a, b, c. */
  static Stream<Arguments> operations() {
    Value a = weight("a", 2, 4, 4);
    Value row = weight("b", 4);
    Value cos = Value.constant(new float[] {0.6f, 0.8f, 0, 1}, 4, 1);
    Value sin = Value.constant(new float[] {0.8f, 0.6f, 1, 0}, 4, 1);
    var attention = new Op.Attention(2, 0.7);
    var conv = new Op.Conv(List.of(2, 1), List.of(1, 0), List.of(0, 1));
    return Stream.of(
        Arguments.of("linear", a.linear(weight("b", 3, 4), weight("c", 3))),
        Arguments.of(
            "conv2d", weight("a", 1, 2, 4, 4).conv(conv, weight("b", 3, 2, 2, 2), weight("c", 3))),
        Arguments.of(
            "conv3d",
            weight("a", 1, 1, 3, 3, 3)
                .conv(
                    new Op.Conv(List.of(1, 1, 1), List.of(2, 1, 1), List.of(0, 1, 1)),
                    weight("b", 2, 1, 3, 3, 3))),
        Arguments.of(
            "attention", a.attention(attention, weight("b", 2, 3, 4), weight("c", 2, 3, 4))),
        Arguments.of(
            "attention with bias",
            a.attention(
                attention, a, a.times(0.5), Value.constant(new float[] {0, 1, -1, 2}, 1, 1, 1, 4))),
        Arguments.of("rotary", a.rotary(2, cos, sin)),
        Arguments.of("layerNorm", a.layerNorm(1e-5, row, weight("c", 4))),
        Arguments.of("layerNorm, plain", a.layerNorm(1e-5)),
        Arguments.of("rmsNorm", a.rmsNorm(1e-5, row)),
        Arguments.of(
            "groupNorm",
            weight("a", 2, 4, 3)
                .groupNorm(new Op.GroupNorm(2, 1e-5), weight("b", 4), weight("c", 4))),
        Arguments.of("l2Normalize", a.l2Normalize(1)),
        Arguments.of("l2Norm, sqrt", a.l2Norm(1).apply(Op.UnaryKind.SQRT).plus(a)),
        Arguments.of(
            "arithmetic", a.plus(row).times(a.minus(row)).dividedBy(row.times(row).plus(1))),
        Arguments.of("gelu", a.geluTanh().plus(a.geluErf()).plus(a.quickGelu())),
        Arguments.of("silu, sigmoid, tanh", both(a)),
        Arguments.of(
            "exp, sin, cos",
            a.apply(Op.UnaryKind.EXP).plus(a.apply(Op.UnaryKind.SIN)).plus(cosOf(a))),
        Arguments.of(
            "clamp",
            a.times(0.25).plus(Value.constant(new float[] {-1, 0, 1, 2}, 4)).clamp(-0.5, 1.5)),
        Arguments.of(
            "dropout",
            a.dropout(0.5, Value.indices(new long[] {3}, 1), Value.indices(new long[] {7}, 1))
                .times(row)),
        Arguments.of(
            "reshape, transpose", a.reshape(4, 2, 4).transpose(2, 0, 1).times(a.reshape(4, 4, 2))),
        Arguments.of("concat, slice", Value.concat(1, a.slice(1, 1, 3), a.times(2))),
        Arguments.of(
            "pad, repeat", a.pad(new Op.Pad(List.of(0, 1, 0), List.of(1, 0, 2))).repeat(1, 2, 3)),
        Arguments.of(
            "one weight in three places",
            a.times(row).plus(weight("a", 2, 4, 4).silu()).plus(weight("a", 2, 4, 4))),
        Arguments.of("expand", weight("a", 1, 4).expand(3, 4).times(row)),
        Arguments.of("gather", a.gather(Value.indices(new long[] {1, 0, 1}, 3))),
        Arguments.of(
            "arange, cast",
            a.times(Value.arange(Dim.of(4)).cast(ElementType.F32))
                .times(a.cast(ElementType.I64).cast(ElementType.F32).plus(1))));
  }

  /** d(a · a) is 2 a da; with one of them held still it is half of that. */
  @ParameterizedTest
  @EnumSource(Activations.class)
  void detachedValue_passesNoGradient(Activations activations) {
    Value a = weight("a", 2, 4, 4);
    float[] whole = gradient(a.times(a), activations);
    float[] half = gradient(a.times(a.detach()), activations);
    assertThat(half).hasSize(32);
    for (int i = 0; i < half.length; i++) {
      assertThat(2 * half[i]).isCloseTo(whole[i], within(1e-6f));
    }
    Value alone = weight("a", 4).detach().times(Value.input("one"));
    var program = new Program("p", List.of(Graph.of("g", "y", alone)), List.of("y"));
    assertThatThrownBy(
            () ->
                ENGINE.train(
                    program, source(program, randomValues(program)), Set.of("a"), activations))
        .hasMessageContaining("weight a does not influence the output");
  }

  private static float[] gradient(Value y, Activations activations) {
    var program =
        new Program("p", List.of(Graph.of("g", "y", y.times(Value.input("one")))), List.of("y"));
    var values = randomValues(program);
    try (Trainable trainable =
        ENGINE.train(program, source(program, values), Set.of("a"), activations)) {
      Tensor target = random(99, new long[] {2, 4, 4});
      var found = trainable.gradients(Map.of("one", Tensor.ofFloats(new float[] {1})), target);
      return Objects.requireNonNull(found.gradients().get("a")).toFloatArray();
    }
  }

  private static Value cosOf(Value a) {
    return a.apply(Op.UnaryKind.COS);
  }

  private static Value both(Value a) {
    return a.silu().plus(a.apply(Op.UnaryKind.SIGMOID)).plus(a.apply(Op.UnaryKind.TANH));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("operations")
  void gradients_matchCentralDifferences(String name, Value y) {
    // A graph needs an input to bind nothing: a factor that is not differentiated.
    var graph = Graph.of(name, "y", y.times(Value.input("one")));
    var program = new Program(name, List.of(graph), List.of("y"));
    for (Activations activations : Activations.values()) {
      requireMatchesDifferences(
          program, program.weights().keySet(), Tensor.ofFloats(new float[] {1}), activations);
    }
  }

  /** Loss is fp32: with steps of 2^-7 differences are good to about 1e-3 of the gradient's size. */
  private static void requireMatchesDifferences(
      Program program, Set<String> trained, Tensor one, Activations activations) {
    var values = randomValues(program);
    try (Trainable trainable =
        ENGINE.train(program, source(program, values), trained, activations)) {
      Map<String, Tensor> inputs = Map.of("one", one);
      long[] shape = program.shapes(Map.of("one", one.shape())).get("y");
      Tensor target = random(99, Objects.requireNonNull(shape));
      var found = trainable.gradients(inputs, target);
      assertThat(found.loss()).isEqualTo(trainable.loss(inputs, target), within(1e-6));
      for (String weight : trained) {
        float[] gradient = Objects.requireNonNull(found.gradients().get(weight)).toFloatArray();
        float[] expected = differences(trainable, weight, values, inputs, target);
        double scale = 1e-3;
        for (float e : expected) {
          scale = Math.max(scale, Math.abs(e));
        }
        for (int i = 0; i < expected.length; i++) {
          assertThat(gradient[i])
              .as("%s[%d]", weight, i)
              .isCloseTo(expected[i], within((float) (5e-3 * scale)));
        }
      }
    }
  }

  /** Frozen products, low-rank ones beside them, attention, and a last product nobody reads. */
  private static Program adapted(int blocks) {
    var segments = new ArrayList<Graph>();
    for (int i = 0; i < blocks; i++) {
      String name = "block" + i;
      Value in = Value.input("h", 1, 5, 4);
      Value u = in.layerNorm(1e-5).times(Value.input("gate", 4));
      Value q = changed(u, name + ".q", 4, 4).rmsNorm(1e-5, weight(name + ".norm", 4));
      Value k = changed(u, name + ".k", 4, 4);
      Value v = changed(u, name + ".v", 4, 4);
      Value mixed = q.attention(new Op.Attention(2, 0.7), k, v);
      Value h = in.plus(changed(mixed, name + ".out", 4, 4).times(Value.input("gate", 4)));
      Value hidden = changed(h.layerNorm(1e-5), name + ".up", 6, 4).geluTanh();
      segments.add(Graph.of(name, "h", h.plus(changed(hidden, name + ".down", 4, 6))));
    }
    return new Program("adapted", segments, List.of("h"));
  }

  private static Value changed(Value x, String name, int out, int in) {
    Value y = x.linear(weight(name + ".weight", out, in), weight(name + ".bias", out));
    return y.plus(
        x.linear(weight(name + ".lora_A", 2, in))
            .linear(weight(name + ".lora_B", out, 2))
            .times(0.5));
  }

  private static Set<String> added(Program program) {
    return program.weights().keySet().stream()
        .filter(name -> name.contains("lora"))
        .collect(Collectors.toSet());
  }

  @Test
  void gradientsPastFrozenProductsAndAttention_matchCentralDifferences() {
    Program program = adapted(2);
    var values = randomValues(program);
    Map<String, Tensor> inputs = Map.of("h", random(1, 1, 5, 4), "gate", random(2, 4));
    Tensor target = random(99, 1, 5, 4);
    try (Trainable trainable =
        ENGINE.train(program, source(program, values), added(program), RECOMPUTED)) {
      var found = trainable.gradients(inputs, target).gradients();
      double scale = 0;
      var expected = new LinkedHashMap<String, float[]>();
      for (String weight : added(program)) {
        float[] own = differences(trainable, weight, values, inputs, target);
        expected.put(weight, own);
        for (float e : own) {
          scale = Math.max(scale, Math.abs(e));
        }
      }
      for (var weight : expected.entrySet()) {
        float[] gradient = Objects.requireNonNull(found.get(weight.getKey())).toFloatArray();
        for (int i = 0; i < gradient.length; i++) {
          assertThat(gradient[i])
              .as("%s[%d]", weight.getKey(), i)
              .isCloseTo(weight.getValue()[i], within((float) (5e-3 * scale)));
        }
      }
    }
  }

  @Test
  void gradients_areTheSameToTheBit_whateverIsKept() {
    Program program = adapted(3);
    var values = source(program, randomValues(program));
    Map<String, Tensor> inputs = Map.of("h", random(1, 1, 5, 4), "gate", random(2, 4));
    Tensor target = random(99, 1, 5, 4);
    var found = new ArrayList<Map<String, float[]>>();
    for (Activations activations : Activations.values()) {
      try (Trainable trainable = ENGINE.train(program, values, added(program), activations)) {
        var gradients = new LinkedHashMap<String, float[]>();
        trainable
            .gradients(inputs, target)
            .gradients()
            .forEach((name, gradient) -> gradients.put(name, gradient.toFloatArray()));
        found.add(gradients);
      }
    }
    for (var gradients : found) {
      gradients.forEach((name, own) -> assertThat(own).as(name).isEqualTo(found.get(0).get(name)));
    }
  }

  /** The prediction is the weight itself, so the loss and its gradient are plain formulas of it. */
  @Test
  void pseudoHuberLoss_isItsFormula_andValidationTheSquaredError() {
    Value w = weight("w", 2, 3);
    var graph = Graph.of("huber", "y", w.times(Value.input("one")));
    var program = new Program("huber", List.of(graph), List.of("y"));
    var values = randomValues(program);
    float[] p = Objects.requireNonNull(values.get("w")).toFloatArray();
    Tensor target = random(99, 2, 3);
    float[] t = target.toFloatArray();
    double c = 0.3;
    Tensor counted = Tensor.ofFloats(new float[] {2, 0.5f}, 2);
    Map<String, Tensor> inputs = Map.of("one", Tensor.ofFloats(new float[] {1}));
    try (Trainable trainable =
        ENGINE
            .minimizing(Loss.pseudoHuber(c))
            .train(program, source(program, values), Set.of("w"), RECOMPUTED)) {
      var found = trainable.gradients(inputs, target, counted);
      float[] gradient = Objects.requireNonNull(found.gradients().get("w")).toFloatArray();
      double loss = 0;
      double squared = 0;
      for (int i = 0; i < 6; i++) {
        double e = (double) p[i] - t[i];
        double weight = i < 3 ? 2 : 0.5;
        double root = Math.sqrt(e * e + c * c);
        loss += weight * 2 * c * (root - c) / 6;
        squared += e * e / 6;
        assertThat(gradient[i]).isEqualTo((float) (weight * 2 * c * e / root / 6), within(1e-6f));
      }
      assertThat(found.loss()).isEqualTo(loss, within(1e-6));
      assertThat(trainable.loss(inputs, target)).isEqualTo(squared, within(1e-6));
    }
  }

  /** Each of the few roundings on a gradient's way costs up to 2^-8. */
  @Test
  void gradients_withProductsInBf16_areThoseOfFp32WithinItsRounding() {
    Value a = weight("a", 2, 4, 4);
    Value y =
        a.linear(weight("b", 4, 4), weight("c", 4))
            .attention(new Op.Attention(2, 0.7), a, a)
            .geluTanh();
    var graph = Graph.of("mixed", "y", y.times(Value.input("one")));
    var program = new Program("mixed", List.of(graph), List.of("y"));
    Map<String, Tensor> inputs = Map.of("one", Tensor.ofFloats(new float[] {1}));
    Tensor target = random(99, 2, 4, 4);
    var weights = source(program, randomValues(program));
    var trained = program.weights().keySet();
    try (Trainable exact = ENGINE.train(program, weights, trained, RECOMPUTED);
        Trainable rounded =
            ENGINE.computing(Arithmetic.BF16).train(program, weights, trained, RECOMPUTED)) {
      var expected = exact.gradients(inputs, target).gradients();
      rounded
          .gradients(inputs, target)
          .gradients()
          .forEach(
              (name, gradient) -> {
                float[] truth = Objects.requireNonNull(expected.get(name)).toFloatArray();
                float[] found = gradient.toFloatArray();
                double error = 0;
                double size = 0;
                for (int i = 0; i < truth.length; i++) {
                  error += Math.pow(found[i] - truth[i], 2);
                  size += Math.pow(truth[i], 2);
                }
                assertThat(Math.sqrt(error / size)).as(name).isBetween(1e-6, 3e-2);
              });
    }
  }

  private static float[] differences(
      Trainable trainable,
      String weight,
      Map<String, Tensor> values,
      Map<String, Tensor> inputs,
      Tensor target) {
    Tensor center = Objects.requireNonNull(values.get(weight));
    var result = new float[(int) center.elementCount()];
    float step = 1f / 128;
    for (int i = 0; i < result.length; i++) {
      double[] losses = new double[2];
      for (int side = 0; side < 2; side++) {
        float[] moved = center.toFloatArray();
        moved[i] += side == 0 ? step : -step;
        trainable.update(Map.of(weight, Tensor.ofFloats(moved, center.shape())));
        losses[side] = trainable.loss(inputs, target);
      }
      result[i] = (float) ((losses[0] - losses[1]) / (2 * step));
    }
    trainable.update(Map.of(weight, center));
    return result;
  }

  private static Map<String, Tensor> randomValues(Program program) {
    var values = new LinkedHashMap<String, Tensor>();
    program
        .weights()
        .forEach(
            (name, v) -> values.put(name, random(name.hashCode(), v.shape().evaluate(Map.of()))));
    return values;
  }

  private static Tensor random(long seed, long... shape) {
    var random = new Random(seed);
    long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    var values = new float[(int) count];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * 0.5);
    }
    return Tensor.ofFloats(values, shape);
  }

  private static MemoryTensors source(Program program, Map<String, Tensor> values) {
    var builder = MemoryTensors.builder();
    program
        .weights()
        .forEach(
            (name, v) ->
                builder.addFloats(
                    name,
                    Arrays.stream(v.shape().evaluate(Map.of())).boxed().toList(),
                    Objects.requireNonNull(values.get(name)).toFloatArray()));
    return builder.build();
  }

  /**
   * Conditioning made by the first segment and read by all, blocks that replace the hidden states,
   * and a branch that no gradient needs.
   */
  private static Program blocks(boolean oneSegment) {
    var segments = new ArrayList<Graph>();
    Value one = Value.input("one", 2, 3);
    Value condition = one.linear(weight("cond.weight", 3, 3)).silu();
    Value side = one.linear(weight("side.weight", 3, 3));
    Value h = one;
    if (oneSegment) {
      for (int i = 0; i < 3; i++) {
        h = block(i, h, condition, side);
      }
      return new Program("whole", List.of(Graph.of("whole", "y", h.times(2))), List.of("y"));
    }
    var first = new LinkedHashMap<String, Value>();
    first.put("condition", condition);
    first.put("side", side);
    segments.add(new Graph("first", first));
    for (int i = 0; i < 3; i++) {
      Value in = Value.input(i == 0 ? "one" : "h", 2, 3);
      Value next = block(i, in, Value.input("condition", 2, 3), Value.input("side", 2, 3));
      segments.add(Graph.of("block" + i, "h", next));
    }
    segments.add(Graph.of("last", "y", Value.input("h", 2, 3).times(2)));
    return new Program("parts", segments, List.of("y"));
  }

  private static Value block(int i, Value h, Value condition, Value side) {
    Value a = weight("block" + i + ".a", 2, 3);
    Value b = weight("block" + i + ".b", 3, 2);
    return h.plus(h.times(condition).linear(a).linear(b)).plus(side).apply(Op.UnaryKind.TANH);
  }

  @ParameterizedTest
  @EnumSource
  void gradients_areThoseOfOneSegment(Activations activations) {
    Program whole = blocks(true);
    Program parts = blocks(false);
    var trained = Set.of("cond.weight", "block0.a", "block1.b", "block2.a", "block2.b");
    var values = randomValues(whole);
    var inputs = Map.of("one", random(7, 2, 3));
    Tensor target = random(8, 2, 3);
    try (Trainable a = ENGINE.train(whole, source(whole, values), trained, RECOMPUTED);
        Trainable b = ENGINE.train(parts, source(whole, values), trained, activations)) {
      var expected = a.gradients(inputs, target);
      var found = b.gradients(inputs, target);
      assertThat(found.loss()).isEqualTo(expected.loss());
      assertThat(found.prediction().toFloatArray()).isEqualTo(expected.prediction().toFloatArray());
      assertThat(found.gradients().keySet()).isEqualTo(trained);
      for (String name : trained) {
        float[] e = Objects.requireNonNull(expected.gradients().get(name)).toFloatArray();
        float[] f = Objects.requireNonNull(found.gradients().get(name)).toFloatArray();
        for (int i = 0; i < e.length; i++) {
          assertThat(f[i]).as(name).isCloseTo(e[i], within(1e-6f)); // another order of summation
        }
      }
    }
  }

  /** The loss is linear in the weights, and what weighs nothing may be anything. */
  @ParameterizedTest
  @EnumSource
  void weightsOfExamples_scaleTheirShareOfLossAndGradients(Activations activations) {
    Program program = blocks(false);
    var values = randomValues(program);
    var inputs = Map.of("one", random(7, 2, 3));
    Tensor target = random(8, 2, 3);
    Tensor otherSecond = random(8, 2, 3);
    otherSecond.floats().put(3, 55f);
    try (Trainable trainable =
        ENGINE.train(program, source(program, values), Set.of("block0.a"), activations)) {
      var first = trainable.gradients(inputs, otherSecond, weights(1, 0));
      var second = trainable.gradients(inputs, target, weights(0, 1));
      var both = trainable.gradients(inputs, target, weights(3, 0.5f));
      assertThat(both.loss()).isEqualTo(3 * first.loss() + 0.5 * second.loss(), within(1e-9));
      float[] a = Objects.requireNonNull(first.gradients().get("block0.a")).toFloatArray();
      float[] b = Objects.requireNonNull(second.gradients().get("block0.a")).toFloatArray();
      float[] c = Objects.requireNonNull(both.gradients().get("block0.a")).toFloatArray();
      for (int i = 0; i < c.length; i++) {
        assertThat(c[i]).isCloseTo(3 * a[i] + 0.5f * b[i], within(1e-6f));
      }
      assertThatThrownBy(() -> trainable.gradients(inputs, target, weights(1, 1, 1)))
          .hasMessageContaining("weights of examples: expected [2]");
    }
  }

  private static Tensor weights(float... each) {
    return Tensor.ofFloats(each, each.length);
  }

  @Test
  void segmentsThatNoTrainedWeightReaches_areNotRunAgain() {
    var paths = new GradientPaths(blocks(false), Set.of("block1.a"));
    assertThat(paths.of(0).isEmpty()).isTrue();
    assertThat(paths.of(1).isEmpty()).isTrue();
    assertThat(paths.of(2).weights()).containsExactly("block1.a");
    assertThat(paths.of(2).inputs()).isEmpty();
    assertThat(paths.of(3).inputs()).containsExactly("h");
    assertThat(paths.of(4).isEmpty()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void steps_leaveNothingBehind(Activations activations) {
    Program parts = blocks(false);
    var trained = Set.of("cond.weight", "block0.a");
    var values = randomValues(parts);
    var inputs = Map.of("one", random(7, 2, 3));
    Tensor target = random(8, 2, 3);
    try (TorchTrainable trainable =
        ENGINE.trainProgram(parts, source(parts, values), trained, activations)) {
      trainable.gradients(inputs, target);
      int after = trainable.heldTensors();
      for (int i = 0; i < 5; i++) {
        trainable.gradients(inputs, target);
        trainable.loss(inputs, target);
        trainable.update(Map.of("block0.a", random(i, 2, 3)));
      }
      assertThat(trainable.heldTensors()).isEqualTo(after).isEqualTo(parts.weights().size());
    }
  }

  static Stream<OptimizerKind> optimizers() {
    return Stream.of(
        AdamW.DEFAULT, AdamW8bit.DEFAULT, Adafactor.DEFAULT, Prodigy.DEFAULT, Lion.DEFAULT);
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void stepsOfAnOptimizer_leaveNothingBehind(OptimizerKind kind) {
    Program parts = blocks(false);
    var batch =
        new DeviceOptimizer.Batch(
            Map.of("one", random(7, 2, 3)),
            random(8, 2, 3),
            Tensor.ofFloats(new float[] {1, 1}, 2));
    try (TorchTrainable trainable =
            ENGINE.trainProgram(
                parts,
                source(parts, randomValues(parts)),
                Set.of("cond.weight", "block0.a"),
                RECOMPUTED);
        TorchOptimizer optimizer =
            trainable.torchOptimizer(
                new DeviceOptimizer.Request(
                    kind, Optional.of(new RunningMean(0.9)), 0, MemoryTensors.builder().build()))) {
      int before = optimizer.heldTensors();
      for (int i = 0; i < 4; i++) {
        optimizer.add(batch, 0.5);
        optimizer.add(batch, 0.5);
        assertThat(optimizer.heldTensors()).isEqualTo(before + 2); // the gradients of the step
        optimizer.gradientNorm();
        optimizer.step(0.5, name -> 1e-3);
        optimizer.exchangeMean();
        optimizer.exchangeMean();
        optimizer.values();
        assertThat(optimizer.heldTensors()).isEqualTo(before);
      }
      assertThat(trainable.heldTensors()).isEqualTo(parts.weights().size() + before);
    }
  }

  @Test
  void update_copiesItsArgument() {
    Program parts = blocks(false);
    var inputs = Map.of("one", random(7, 2, 3));
    Tensor target = random(8, 2, 3);
    try (Trainable trainable =
        ENGINE.train(parts, source(parts, randomValues(parts)), Set.of("block0.a"), RECOMPUTED)) {
      Tensor values = random(3, 2, 3);
      trainable.update(Map.of("block0.a", values));
      double before = trainable.loss(inputs, target);
      values.floats().put(0, 100f);
      assertThat(trainable.loss(inputs, target)).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatDoesNotFit_isRefusedBeforeItIsBroadcast(Activations activations) {
    Program parts = blocks(false);
    try (Trainable trainable =
        ENGINE.train(parts, source(parts, randomValues(parts)), Set.of("block0.a"), activations)) {
      assertThatThrownBy(() -> trainable.gradients(Map.of("one", random(7, 2, 3)), random(8, 1, 3)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("target: expected [2, 3]");
      assertThatThrownBy(() -> trainable.gradients(Map.of("one", random(7, 2, 4)), random(8, 2, 3)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("one");
    }
  }

  @Test
  void trainedWeightsThatDoNotExistOrActOnNothing_areNamed() {
    Program parts = blocks(false);
    var source = source(parts, randomValues(parts));
    assertThatThrownBy(() -> ENGINE.train(parts, source, Set.of("block9.a"), RECOMPUTED))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("no weight block9.a");
    var idle =
        new Program(
            "idle",
            List.of(
                new Graph(
                    "g",
                    Map.of(
                        "y", Value.input("one", 3).times(weight("a", 3)),
                        "unused", weight("b", 3)))),
            List.of("y"));
    var idleSource = source(idle, randomValues(idle));
    assertThatThrownBy(() -> ENGINE.train(idle, idleSource, Set.of("a", "b"), RECOMPUTED))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("weight b does not influence the output");
  }
}
