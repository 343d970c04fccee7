package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.reference.ContractData;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CLIP's text model against transformers' outputs. */
final class ClipTextModelTest {
  private static final String CASE = "animatediff/text-encoder";

  @Test
  void states_matchTransformers() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      var model = new ClipTextModel(config(golden, weights));
      golden.assertMatches("out.last_hidden_state", states(model.program(), weights, golden));
    }
  }

  @Test
  void pooledState_matchesTransformers() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint());
        var engine = new ReferenceEngine();
        var executable =
            engine.load(new ClipTextModel(config(golden, weights)).pooledProgram(), weights)) {
      var outputs = executable.run(Map.of("input_ids", golden.tensor("in.input_ids")));
      golden.assertMatches("out.pooled", Objects.requireNonNull(outputs.get("pooled")));
      golden.assertMatches(
          "out.last_hidden_state", Objects.requireNonNull(outputs.get("last_hidden_state")));
    }
  }

  /**
   * Of two prompts: the first 7 of one, not its highest id; the first token where there is none.
   */
  @Test
  void pooledState_isThatOfTheFirstEosWhereTheConfigurationNamesIt() {
    var config = new ClipTextConfig(100, 8, 4, 1, 1, 6, UnaryKind.QUICK_GELU, 1e-5, 7);
    Program program = new ClipTextModel(config).pooledProgram();
    Tensor ids = Tensor.ofLongs(new long[] {98, 3, 99, 7, 7, 98, 3, 99, 98, 1}, 2, 5);
    try (var weights = ContractData.weights(program, DType.F32);
        var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      var outputs = executable.run(Map.of("input_ids", ids));
      float[] states = Objects.requireNonNull(outputs.get("last_hidden_state")).toFloatArray();
      float[] pooled = Objects.requireNonNull(outputs.get("pooled")).toFloatArray();
      assertThat(Arrays.copyOfRange(pooled, 0, 4))
          .containsExactly(Arrays.copyOfRange(states, 3 * 4, 4 * 4));
      assertThat(Arrays.copyOfRange(pooled, 4, 8))
          .containsExactly(Arrays.copyOfRange(states, 5 * 4, 6 * 4));
    }
  }

  /** The state before the last layer is in the case; the norm behind it is one more graph. */
  @Test
  void skippingALayer_endsInTheStateBeforeIt() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      var config = config(golden, weights);
      Value x = Value.input("x", "batch", "text", config.width());
      Graph norm =
          Graph.of("norm", "y", Layers.layerNorm(x, "text_model.final_layer_norm", config.eps()));
      Tensor skipped = states(new ClipTextModel(config).program(1), weights, golden);
      try (var engine = new ReferenceEngine();
          var executable = engine.load(new Program("norm", List.of(norm), List.of("y")), weights)) {
        Tensor expected =
            Objects.requireNonNull(
                executable.run(Map.of("x", golden.tensor("mid.layer1"))).get("y"));
        assertThat(skipped.toFloatArray())
            .usingComparatorWithPrecision(1e-4f)
            .containsExactly(expected.toFloatArray());
      }
    }
  }

  @Test
  void sizesFollowFromTheTensors() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      var found = ClipTextConfig.read(ConfigFile.none(Path.of("none")), weights);
      assertThat(found.width()).isEqualTo(48);
      assertThat(found.layers()).isEqualTo(3);
      assertThat(found.ffnDim()).isEqualTo(96);
      assertThat(found.positions()).isEqualTo(77);
      assertThat(found.vocabulary()).isEqualTo(814);
    }
  }

  @Test
  void anUnknownActivation_isRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("config.json");
    Files.writeString(file, "{\"hidden_act\": \"relu\"}");
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      assertThatThrownBy(() -> ClipTextConfig.read(ConfigFile.open(file), weights))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("hidden_act: expected quick_gelu or gelu, found relu");
    }
  }

  @Test
  void laterTokens_doNotChangeEarlierStates() {
    try (var golden = Golden.open(CASE);
        var weights = Checkpoint.open(golden.checkpoint())) {
      var config = config(golden, weights);
      Program program = new ClipTextModel(config).program();
      try (var engine = new ReferenceEngine();
          var executable = engine.load(program, weights)) {
        float[] shorter = run(executable, 5, 9, 11).toFloatArray();
        float[] longer = run(executable, 5, 9, 11, 800).toFloatArray();
        assertThat(Arrays.copyOf(longer, shorter.length)).containsExactly(shorter);
      }
      assertThat(program.inputs()).containsOnlyKeys("input_ids");
      assertThat(Objects.requireNonNull(program.inputs().get("input_ids")).type())
          .isEqualTo(ElementType.I64);
    }
  }

  private static Tensor run(
      io.github.tpdiff.runtime.engine.Executable executable, long... inputIds) {
    return Objects.requireNonNull(
        executable
            .run(Map.of("input_ids", Tensor.ofLongs(inputIds, 1, inputIds.length)))
            .get("last_hidden_state"));
  }

  private static ClipTextConfig config(Golden golden, TensorSource weights) {
    return ClipTextConfig.read(
        ConfigFile.open(golden.checkpoint().resolve("config.json")), weights);
  }

  private static Tensor states(Program program, TensorSource weights, Golden golden) {
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      return Objects.requireNonNull(
          executable
              .run(Map.of("input_ids", golden.tensor("in.input_ids")))
              .get("last_hidden_state"));
    }
  }
}
