package io.github.tpdiff.runtime.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CostModelTest {
  private static final WeightSizes FP32 = WeightSizes.all(DType.F32);

  private static Program program(Graph... segments) {
    var last = segments[segments.length - 1];
    return new Program("p", List.of(segments), List.copyOf(last.outputs().keySet()));
  }

  private static Cost price(Value output, Map<String, long[]> shapes) {
    return new CostModel(program(Graph.of("g", "y", output)), FP32).price(shapes);
  }

  private static Value linear(Value x, String name, long width) {
    return x.linear(
        Value.weight(name + ".weight", width, x.dim(2).value()),
        Value.weight(name + ".bias", width));
  }

  /** A Wan block whose keys and values of the prompt are given. */
  static Graph wanBlock(int width, int ffn) {
    var attention = new Op.Attention(width / 128, 0.1);
    Value x = Value.input("x", "batch", "tokens", width);
    Value cos = Value.input("cos", "tokens", 64);
    Value sin = Value.input("sin", "tokens", 64);
    Value u = x.layerNorm(1e-6);
    Value mixed =
        linear(u, "q", width)
            .rotary(width / 128, cos, sin)
            .attention(
                attention,
                linear(u, "k", width).rotary(width / 128, cos, sin),
                linear(u, "v", width));
    Value y = x.plus(linear(mixed, "o", width));
    Value k = Value.input("k", "batch", "text", width);
    Value v = Value.input("v", "batch", "text", width);
    y = y.plus(linear(linear(y, "cq", width).attention(attention, k, v), "co", width));
    return Graph.of("block", "x", y.plus(linear(linear(y, "up", ffn).geluTanh(), "down", width)));
  }

  private static Map<String, long[]> wanShapes(long tokens, int width) {
    return Map.of(
        "x", new long[] {1, tokens, width},
        "cos", new long[] {tokens, 64},
        "sin", new long[] {tokens, 64},
        "k", new long[] {1, 512, width},
        "v", new long[] {1, 512, width});
  }

  @Test
  void wanBlock_hasTheFlopsOfTheClosedFormula() {
    long n = 32_760; // 81 frames at 832 x 480
    long d = 1536;
    long f = 8960;
    Work work = new CostModel(program(wanBlock(1536, 8960)), FP32).price(wanShapes(n, 1536)).work();

    assertThat(work.linear())
        .isEqualTo(new Work.Products(2 * n * (6 * d * d + 2 * d * f), 6 * d * d + 2 * d * f));
    assertThat(work.attentionFlops()).isEqualTo(4 * n * n * d + 4 * n * 512 * d);
    assertThat(work.conv()).isEqualTo(new Work.Products(0, 0));
    assertThat(work.flops()).isEqualTo(12 * n * d * d + 4 * n * d * f + 4 * n * d * (n + 512));
  }

  @Test
  void conv_countsEveryTapOfEveryResult() {
    var conv = new Op.Conv(List.of(1, 2, 2), List.of(2, 0, 0), List.of(0, 1, 1));
    Value x = Value.input("x", "batch", 3, "frames", "height", "width");
    Cost cost =
        price(
            x.conv(conv, Value.weight("w", 5, 3, 3, 3, 3)),
            Map.of("x", new long[] {2, 3, 4, 8, 10}));

    assertThat(cost.work().conv())
        .isEqualTo(new Work.Products(2L * (2 * 5 * 4 * 4 * 5) * (3 * 27), 5 * 3 * 27));
  }

  @Test
  void attention_countsBothProductsAndHoldsNoScores() {
    Value q = Value.input("q", 2, "n", 8);
    Value k = Value.input("k", 2, "m", 8);
    Value v = Value.input("v", 2, "m", 4);
    Cost cost =
        price(
            q.attention(new Op.Attention(2, 1), k, v),
            Map.of(
                "q",
                new long[] {2, 100, 8},
                "k",
                new long[] {2, 50, 8},
                "v",
                new long[] {2, 50, 4}));

    assertThat(cost.flops()).isEqualTo(2L * 2 * 100 * 50 * (8 + 4));
    assertThat(cost.tokens()).isEqualTo(100);
    assertThat(cost.peakBytes()).isEqualTo(4L * 2 * (100 * 8 + 50 * 8 + 50 * 4 + 100 * 4));
  }

  @Test
  void elementwise_readsItsInputsAndWritesItsResult() {
    Value x = Value.input("x", "n", 4);
    Cost cost = price(x.plus(Value.weight("w", 4)), Map.of("x", new long[] {10, 4}));

    assertThat(cost.work()).isEqualTo(Work.memory(4 * (40 + 4 + 40)));
  }

  @Test
  void peak_isWhatLivesAtOnce() {
    Value x = Value.input("x", "n", 4); // 16 bytes a row
    Value doubled = x.times(2); // + 16
    Value sum = doubled.plus(x); // + 16, the peak; then doubled goes
    Value reshaped = sum.reshape(Dim.symbol("n").times(4)); // shares
    Value wide = Value.concat(0, reshaped, reshaped); // + 32: 48 beside x
    Cost cost = price(wide, Map.of("x", new long[] {10, 4}));

    assertThat(cost.segments().get(0).peakBytes()).isEqualTo(480);
    assertThat(cost.peakBytes()).isEqualTo(160 + 480);
  }

  @Test
  void peak_forgetsNamedValuesThatAreDead() {
    Value x = Value.input("x", "n", 4);
    Value y = Value.input("y", "n", 8);
    Value z = Value.input("z", "n", 1);
    var program =
        program(
            Graph.of("a", "y", Value.concat(1, x, x)),
            Graph.of("b", "z", y.slice(1, 0, 1)),
            Graph.of("c", "out", Value.concat(1, z, z, z, z, z, z, z, z)));
    Cost cost = new CostModel(program, FP32).price(Map.of("x", new long[] {1, 4}));

    // a: x 16 + y 32; b: y 32 + z 4; c: z 4 + out 32.
    assertThat(cost.peakBytes()).isEqualTo(48);
  }

  @Test
  void indices_areEightBytes() {
    Value ids = Value.indexInput("ids", "n");
    Cost cost = price(ids.cast(ElementType.F32), Map.of("ids", new long[] {3}));

    assertThat(cost.peakBytes()).isEqualTo(3 * 8 + 3 * 4);
  }

  @Test
  void weights_countAsStored() {
    var program = program(wanBlock(128, 256), wanBlock(128, 256));
    long elements = 6 * (128 * 128 + 128) + 2 * 128 * 256 + 256 + 128;
    var shapes = wanShapes(5, 128);

    assertThat(new CostModel(program, FP32).price(shapes).weightBytes()).isEqualTo(8 * elements);
    Cost half = new CostModel(program, WeightSizes.all(DType.BF16)).price(shapes);
    assertThat(half.weightBytes()).isEqualTo(4 * elements);

    Value x = Value.input("x", "n", 2);
    var checkpoint = MemoryTensors.builder().addFloats("w", List.of(2L), 1, 2).build();
    assertThat(
            new CostModel(
                    program(Graph.of("g", "y", x.plus(Value.weight("w", 2)))),
                    WeightSizes.of(checkpoint))
                .price(Map.of("x", new long[] {1, 2}))
                .weightBytes())
        .isEqualTo(8);
  }

  @Test
  void price_namesTheInputThatIsMissing() {
    var model = new CostModel(program(wanBlock(128, 256)), FP32);

    assertThatThrownBy(() -> model.price(Map.of("x", new long[] {1, 2, 128})))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("is missing");
  }

  @Property(tries = 50)
  void everything_growsWithTokens(
      @ForAll @IntRange(min = 1, max = 5000) int tokens,
      @ForAll @IntRange(min = 1, max = 5000) int more) {
    var model = new CostModel(program(wanBlock(128, 256)), FP32);
    Cost small = model.price(wanShapes(tokens, 128));
    Cost large = model.price(wanShapes(tokens + more, 128));

    assertThat(large.flops()).isGreaterThan(small.flops());
    assertThat(large.work().bytes()).isGreaterThan(small.work().bytes());
    assertThat(large.peakBytes()).isGreaterThan(small.peakBytes());
    assertThat(large.weightBytes()).isEqualTo(small.weightBytes());
  }
}
