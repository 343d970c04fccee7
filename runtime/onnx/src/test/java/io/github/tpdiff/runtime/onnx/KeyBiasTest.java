package io.github.tpdiff.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.NodeProto;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KeyBiasTest {
  private static final int HEAD = 64;
  private static final int TOKENS = 33;

  private static Program padded() {
    Value x = Value.input("x", "batch", "tokens", HEAD);
    Value bias = Value.input("bias", "batch", "tokens").reshape("batch", 1, 1, "tokens");
    Value y = x.attention(new Op.Attention(1, 0.125), x, x, bias);
    return new Program("padded", List.of(Graph.of("padded", "y", y)), List.of("y"));
  }

  /** With a bias ONNX Runtime would hold queries by keys. */
  @ParameterizedTest
  @EnumSource
  void attentionIsGivenNoBias(OnnxFlavour flavour) {
    var nodes =
        ProgramLowering.lower(
                padded(),
                GraphForm.inFp32(flavour),
                name -> {
                  throw new AssertionError(name);
                })
            .getGraph()
            .getNodeList();
    assertThat(nodes.stream().filter(node -> node.getOpType().endsWith("Attention")))
        .hasSize(1)
        .allMatch(node -> node.getInputCount() == 3);
    assertThat(nodes).extracting(NodeProto::getOpType).doesNotContain("Softmax");
  }

  /** −1e9 leaves nothing of a key, whatever its values, and costs the others no precision. */
  @ParameterizedTest
  @EnumSource
  void maskedKeys_leaveTheResultOfTheOthersAlone(OnnxFlavour flavour) {
    var values = new float[TOKENS * HEAD];
    var bias = new float[TOKENS];
    int kept = TOKENS - 5;
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i) * (i < kept * HEAD ? 3 : 100);
    }
    for (int i = kept; i < TOKENS; i++) {
      bias[i] = -1e9f;
    }
    float[] all = run(flavour, Tensor.ofFloats(values, 1, TOKENS, HEAD), bias);
    var some = java.util.Arrays.copyOf(values, kept * HEAD);
    float[] alone = run(flavour, Tensor.ofFloats(some, 1, kept, HEAD), new float[kept]);
    assertThat(java.util.Arrays.copyOf(all, alone.length))
        .usingComparatorWithPrecision(1e-5f)
        .containsExactly(alone);
  }

  private static float[] run(OnnxFlavour flavour, Tensor x, float[] bias) {
    try (var engine = OnnxEngine.on(OnnxDevice.CPU, flavour);
        Executable executable = engine.load(padded(), MemoryTensors.builder().build())) {
      var inputs = Map.of("x", x, "bias", Tensor.ofFloats(bias, 1, bias.length));
      return Objects.requireNonNull(executable.run(inputs).get("y")).toFloatArray();
    }
  }
}
