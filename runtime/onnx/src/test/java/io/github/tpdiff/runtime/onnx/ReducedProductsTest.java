package io.github.tpdiff.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.weights.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A network of two segments: y = W₂ · gelu(W₁ x) · T time, whose embedding passes between them. */
class ReducedProductsTest {
  private static final int WIDTH = 4;

  private static Program network() {
    Value x = Value.input(NetworkInputs.LATENTS, "batch", "tokens", WIDTH);
    Value time = Value.input(NetworkInputs.TIMESTEP, "batch").reshape("batch", 1, 1);
    Map<String, Value> embedded = new LinkedHashMap<>();
    embedded.put("x", x.linear(weight("w1"), Value.weight("b1", WIDTH)));
    embedded.put("temb", time.expand("batch", 1, WIDTH).linear(weight("time")));
    Value hidden = Value.input("x", "batch", "tokens", WIDTH).geluTanh();
    Value y = hidden.linear(weight("w2")).times(Value.input("temb", "batch", 1, WIDTH));
    return new Program(
        "network",
        List.of(
            new Graph("embed", embedded),
            Graph.of(
                "head",
                "y",
                y.layerNorm(1e-6).plus(weight("shared").slice(0, 0, 1).reshape(1, 1, WIDTH)))),
        List.of("y"));
  }

  private static Value weight(String name) {
    return Value.weight(name, WIDTH, WIDTH);
  }

  @Test
  void theEmbeddingOfTheTime_isLeftAsItIs() {
    assertThat(ReducedProducts.of(network()).weights()).containsExactly("w1", "w2");
  }

  /** Of the time alone in fp32; what goes between two products stays in their type. */
  @Test
  void castsStandWhereTypesMeet() {
    ModelProto model =
        ProgramLowering.lower(
            network(),
            new GraphForm(OnnxFlavour.STANDARD, DType.BF16),
            name ->
                StoredWeight.plain(
                    name.startsWith("w") ? DType.BF16 : DType.F32, "weights", 0, 64));
    assertThat(model.getGraph().getNodeList().stream().map(NodeProto::getName).toList())
        .containsSubsequence(
            "b1.bf16", "embed/Cast", "embed/Gemm", "head/Gelu", "head/Gemm", "head/Cast")
        .doesNotContain("head/Cast.1", "time.bf16", "shared.bf16");
  }
}
