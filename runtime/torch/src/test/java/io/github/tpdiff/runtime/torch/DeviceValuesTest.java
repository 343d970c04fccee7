package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.engine.DeviceValues;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What one program computes, and another reads where it lies. */
class DeviceValuesTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();

  /** k = W text, text as it came, and the weight itself. */
  private static Program conditioning() {
    Value text = Value.input("text", "batch", 2);
    Value weight = Value.weight("w", 2, 2);
    return new Program(
        "conditioning",
        List.of(
            Graph.of("project", "k", text.linear(weight)),
            Graph.of("view", "same", Value.input("text", "batch", 2).reshape("batch", 1, 2)),
            Graph.of("weight", "table", Value.weight("w", 2, 2).reshape(4))),
        List.of("k", "same", "table"));
  }

  /** y = V x + k + same + the table's first two. */
  private static Program denoiser() {
    Value x = Value.input("x", "batch", 2);
    Value table = Value.input("table", 4).slice(0, 0, 2);
    Value y =
        x.linear(Value.weight("v", 2, 2))
            .plus(Value.input("k", "batch", 2))
            .plus(Value.input("same", "batch", 1, 2).reshape("batch", 2))
            .plus(table);
    return new Program("denoiser", List.of(Graph.of("g", "y", y)), List.of("y"));
  }

  private static MemoryTensors weights() {
    return MemoryTensors.builder()
        .addFloats("w", List.of(2L, 2L), 1, 2, 3, 4)
        .addFloats("v", List.of(2L, 2L), 0, 1, -1, 0)
        .build();
  }

  private static final float[] TEXT = {10, 100};
  private static final float[] X = {5, 7};

  /** V x = (7, −5); W text = (210, 430); the text; the weight's first row. */
  private static final float[] EXPECTED = {7 + 210 + 10 + 1, -5 + 430 + 100 + 2};

  private static Map<String, Tensor> text() {
    return Map.of("text", Tensor.ofFloats(TEXT.clone(), 1, 2));
  }

  private static float[] y(Executable executable) {
    Map<String, Tensor> outputs = executable.run(Map.of("x", Tensor.ofFloats(X.clone(), 1, 2)));
    return Objects.requireNonNull(outputs.get("y")).toFloatArray();
  }

  @Test
  void boundWhereTheyLie_theyGiveWhatCopiesDo() {
    try (Executable conditioning = ENGINE.load(conditioning(), weights());
        Executable denoiser = ENGINE.load(denoiser(), weights());
        DeviceValues computed = conditioning.compute(text());
        Executable bound = denoiser.bind(Map.of(), computed);
        Executable copied = denoiser.bind(conditioning.run(text()))) {
      assertThat(bound.inputNames()).containsExactly("x");
      assertThat(copied.inputNames()).containsExactly("x");
      assertThat(y(bound)).containsExactly(EXPECTED);
      assertThat(y(copied)).containsExactly(EXPECTED);
      // A run leaves what it reads as it was.
      assertThat(y(bound)).containsExactly(EXPECTED);
    }
  }

  @Test
  void values_outliveTheExecutableAndTheInputsThatTheyComeFrom() {
    Tensor text = Tensor.ofFloats(TEXT.clone(), 1, 2);
    DeviceValues computed;
    try (Executable conditioning = ENGINE.load(conditioning(), weights())) {
      computed = conditioning.compute(Map.of("text", text));
    }
    text.floats().put(0, Float.NaN).put(1, Float.NaN);
    try (computed;
        Executable denoiser = ENGINE.load(denoiser(), weights());
        Executable bound = denoiser.bind(Map.of(), computed)) {
      assertThat(y(bound)).containsExactly(EXPECTED);
      Map<String, Tensor> host = computed.toHost();
      assertThat(host.keySet()).isEqualTo(computed.names());
      assertThat(Objects.requireNonNull(host.get("same")).toFloatArray()).containsExactly(TEXT);
      assertThat(Objects.requireNonNull(host.get("table")).toFloatArray())
          .containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void someInputs_canBeFixedBesides() {
    try (Executable conditioning = ENGINE.load(conditioning(), weights());
        Executable denoiser = ENGINE.load(denoiser(), weights());
        DeviceValues computed = conditioning.compute(text());
        Executable bound = denoiser.bind(Map.of("x", Tensor.ofFloats(X.clone(), 1, 2)), computed)) {
      assertThat(bound.inputNames()).isEmpty();
      assertThat(Objects.requireNonNull(bound.run(Map.of()).get("y")).toFloatArray())
          .containsExactly(EXPECTED);
    }
  }

  @Test
  void valuesOfTheHost_areBoundAsWell() {
    try (Executable conditioning = ENGINE.load(conditioning(), weights());
        Executable denoiser = ENGINE.load(denoiser(), weights());
        DeviceValues host = DeviceValues.of(conditioning.run(text()));
        Executable bound = denoiser.bind(Map.of(), host)) {
      assertThat(y(bound)).containsExactly(EXPECTED);
    }
  }

  @Test
  void closingWhatReadsThem_leavesThemOpen_andNothingElseHeld() {
    try (TorchExecutable conditioning = ENGINE.loadProgram(conditioning(), weights());
        TorchExecutable denoiser = ENGINE.loadProgram(denoiser(), weights())) {
      conditioning.run(text());
      int before = conditioning.heldTensors();
      try (DeviceValues computed = conditioning.compute(text())) {
        try (Executable first = denoiser.bind(Map.of(), computed)) {
          assertThat(y(first)).containsExactly(EXPECTED);
        }
        int afterFirst = denoiser.heldTensors();
        try (Executable again = denoiser.bind(Map.of(), computed)) {
          assertThat(y(again)).containsExactly(EXPECTED);
        }
        assertThat(computed.toHost()).hasSize(3);
        assertThat(denoiser.heldTensors()).isEqualTo(afterFirst);
      }
      assertThat(conditioning.heldTensors()).isEqualTo(before);
    }
  }
}
