package io.github.tpdiff.runtime.onnx;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.onnx.ExportRequest.Loras;
import io.github.tpdiff.weights.MemoryTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inputs that need not be given, on y = W x + context with W = [1 2; 3 4], by hand. */
class AdaptableGraphTest {
  private static final String A = "denoise.lora_A.weight";
  private static final String B = "denoise.lora_B.weight";
  private static final Tensor CONTEXT = floats(10, 20);

  private @TempDir Path folder = Path.of("");
  private final OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);

  @BeforeEach
  void export() throws IOException {
    var weights =
        MemoryTensors.builder()
            .addFloats("denoise.weight", List.of(2L, 2L), new float[] {1, 2, 3, 4})
            .addFloats("condition.weight", List.of(2L, 2L), new float[] {0, 1, 1, 0})
            .build();
    Path tokenizer = Files.createDirectory(folder.resolve("tokens"));
    Files.writeString(tokenizer.resolve("tokenizer.json"), "{}");
    try (var model = TinyModel.of(weights, tokenizer)) {
      ExportedFolder.write(
          model,
          folder.resolve("out"),
          ExportRequest.of(StageConfig.pyramid(1, FrameResampling.sharedFirstFrame()))
              .withLoras(Loras.AT_RUN_TIME));
    }
  }

  @AfterEach
  void close() {
    engine.close();
  }

  private Executable open() {
    return ExportedFolder.open(folder.resolve("out"), engine).load(TinyModel.DENOISER);
  }

  private static Tensor floats(float... values) {
    return Tensor.ofFloats(values, values.length);
  }

  private static float[] run(Executable graph) {
    Tensor x = Tensor.ofFloats(new float[] {1, 1}, 1, 1, 2);
    return requireNonNull(
            graph.run(Map.of("hidden_states", x, "context", CONTEXT)).get("out_hidden_states"))
        .toFloatArray();
  }

  @Test
  void productOfAnyRank_isAdded_andGoesWhenItIsClosed() {
    try (Executable graph = open()) {
      assertThat(graph.inputNames()).containsExactly("hidden_states", "context");
      assertThat(run(graph)).containsExactly(13, 27);
      // B A = [1; 2] [1 10] = [1 10; 2 20]
      try (Executable bound =
          graph.bind(
              Map.of(
                  A, Tensor.ofFloats(new float[] {1, 10}, 1, 2),
                  B, Tensor.ofFloats(new float[] {1, 2}, 2, 1)))) {
        assertThat(run(bound)).containsExactly(13 + 11, 27 + 22);
        assertThat(run(bound)).containsExactly(13 + 11, 27 + 22);
      }
      // B A = [0 1; 2 0] [1 1; 0 3] = [0 3; 2 2]
      try (Executable bound =
          graph.bind(
              Map.of(
                  A, Tensor.ofFloats(new float[] {1, 1, 0, 3}, 2, 2),
                  B, Tensor.ofFloats(new float[] {0, 1, 2, 0}, 2, 2)))) {
        assertThat(run(bound)).containsExactly(13 + 3, 27 + 4);
      }
      assertThat(run(graph)).containsExactly(13, 27);
    }
  }

  @Test
  void smallWeight_isReplaced_besideAProductAndWhatIsBoundOfAStep() {
    try (Executable graph = open();
        Executable replaced =
            graph.bind(Map.of("denoise.weight", Tensor.ofFloats(new float[] {0, 1, 0, 0}, 2, 2)));
        Executable both =
            replaced.bind(
                Map.of(
                    A,
                    Tensor.ofFloats(new float[] {1, 10}, 1, 2),
                    B,
                    Tensor.ofFloats(new float[] {1, 2}, 2, 1),
                    "context",
                    floats(0, 0)))) {
      assertThat(run(replaced)).containsExactly(11, 20);
      assertThat(run(both)).containsExactly(1 + 11, 22);
    }
  }

  /** Prompt keys and values are larger than latents: on the host nothing is copied for a step. */
  @Test
  void conditions_areReadWhereTheyLie_andLorasAreHeldByTheRuntime() {
    Tensor context = floats(10, 20);
    Tensor b = Tensor.ofFloats(new float[] {1, 2}, 2, 1);
    try (Executable graph = open();
        Executable adapted =
            graph.bind(Map.of(A, Tensor.ofFloats(new float[] {1, 10}, 1, 2), B, b));
        Executable bound = adapted.bind(Map.of("context", context))) {
      assertThat(run(bound)).containsExactly(24, 49);
      context.bytes().putFloat(0, 100);
      b.bytes().putFloat(0, 5);
      assertThat(run(bound)).containsExactly(114, 49);
    }
  }

  @Test
  void whatDoesNotFit_isRefused() {
    Tensor a = Tensor.ofFloats(new float[] {1, 10}, 1, 2);
    try (Executable graph = open();
        Executable bound = graph.bind(Map.of(A, a, B, Tensor.ofFloats(new float[] {1, 2}, 2, 1)))) {
      assertThatThrownBy(() -> bound.bind(Map.of(A, a)))
          .isInstanceOf(GraphException.class)
          .hasMessageEndingWith("model.onnx: input denoise.lora_A.weight is bound already");
      assertThatThrownBy(
              () -> graph.bind(Map.of(A, a, B, Tensor.ofFloats(new float[] {1, 2, 3, 4}, 2, 2))))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("denoise.rank=");
      assertThatThrownBy(() -> graph.bind(Map.of(A, Tensor.ofFloats(new float[] {1}, 1, 1))))
          .isInstanceOf(GraphException.class)
          .hasMessageEndingWith(
              "input denoise.lora_A.weight: expected F32[denoise.rank=1, 2], found F32[1, 1]");
      assertThatThrownBy(() -> graph.bind(Map.of("condition.lora_A.weight", a)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("there is no input condition.lora_A.weight to bind");
    }
  }
}
