package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class NetworkInputsTest {
  private static final LatentShape LATENTS = new LatentShape(2, 16, 5, 6, 8);
  private static final Flow FLOW = LinearVideoModel.description().flow();

  private static Program program(Value x) {
    return new Program("p", List.of(Graph.of("g", "y", x.times(2))), List.of("y"));
  }

  @Test
  void shapes_followFromTheSizesOfClipAndPrompt() {
    var latents = program(Value.input("hidden_states", "batch", 16, "frames", "height", "width"));
    assertThat(NetworkInputs.shapes(latents, FLOW, LATENTS))
        .hasEntrySatisfying(
            "hidden_states", shape -> assertThat(shape).containsExactly(2, 16, 5, 6, 8));
    var prompt = program(Value.input("context", "batch", "text", 32));
    assertThat(NetworkInputs.shapes(prompt, FLOW, LATENTS))
        .hasEntrySatisfying("context", shape -> assertThat(shape).containsExactly(2, 6, 32));
  }

  @Test
  void shapes_ofASizeThatIsNeither_areAnError() {
    var odd = program(Value.input("x", "batch", "elephants"));
    assertThatThrownBy(() -> NetworkInputs.shapes(odd, FLOW, LATENTS))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("elephants");
  }

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  @Test
  void step_hasATimestepForEachClipAndAPositionForEachFrame() {
    Latents noisy = Latents.zeros(new LatentShape(2, 1, 3, 1, 2));
    noisy.data()[7] = 5;
    var step =
        NetworkInputs.step(noisy, List.of(999.0, 12.5), StageGrid.strided(noisy.shape().grid(), 2));
    assertThat(step.keySet())
        .containsExactly(
            "hidden_states", "timestep", "temporal_positions", "row_positions", "column_positions");
    assertThat(get(step, "hidden_states").shape()).containsExactly(2, 1, 3, 1, 2);
    assertThat(get(step, "hidden_states").toFloatArray()).isEqualTo(noisy.data());
    assertThat(get(step, "timestep").toFloatArray()).containsExactly(999, 12.5f);
    assertThat(get(step, "temporal_positions").toFloatArray()).containsExactly(0, 2, 4);
    assertThat(get(step, "row_positions").toFloatArray()).containsExactly(0);
    assertThat(get(step, "column_positions").toFloatArray()).containsExactly(0, 1);
  }

  @Test
  void step_hasThePositionsOfTheStagesRowsAndColumns() {
    Latents noisy = Latents.zeros(new LatentShape(1, 1, 2, 2, 3));
    var rules = new PositionRules(PositionRule.NATIVE, PositionRule.SCALED, PositionRule.SCALED);
    var grid =
        new StageGrid(
            noisy.shape().grid(), new GridFactor(4, 2, 3), SpaceResampling.blocks(), rules);
    var step = NetworkInputs.step(noisy, List.of(1.0), grid);
    assertThat(get(step, "temporal_positions").toFloatArray()).containsExactly(0, 1);
    assertThat(get(step, "row_positions").toFloatArray()).containsExactly(0, 2);
    assertThat(get(step, "column_positions").toFloatArray()).containsExactly(0, 3, 6);
  }

  @Test
  void join_putsClipsBehindOneAnother_andRefusesThoseOfAnotherShape() {
    Tensor first = Tensor.ofLongs(new long[] {1, 2}, 1, 2);
    Tensor second = Tensor.ofLongs(new long[] {3, 4, 5, 6}, 2, 2);
    Tensor joined = NetworkInputs.join("mask", List.of(first, second));
    assertThat(joined.shape()).containsExactly(3, 2);
    for (int i = 0; i < 6; i++) {
      assertThat(joined.longs().get(i)).isEqualTo(i + 1);
    }
    Tensor wider = Tensor.ofLongs(new long[3], 1, 3);
    assertThatThrownBy(() -> NetworkInputs.join("mask", List.of(first, wider)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("mask: tensors of one batch must share a shape, found ");
    Tensor floats = Tensor.zeros(1, 2);
    assertThatThrownBy(() -> NetworkInputs.join("mask", List.of(first, floats)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
