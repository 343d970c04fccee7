package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;
import org.junit.jupiter.api.Test;

class DenoiserInputsTest {
  private static final LatentShape LATENTS = new LatentShape(2, 16, 5, 6, 8);

  private static Program program(Value x) {
    return new Program("p", List.of(Graph.of("g", "y", x.times(2))), List.of("y"));
  }

  @Test
  void shapes_followFromTheSizesOfClipAndPrompt() {
    var latents = program(Value.input("hidden_states", "batch", 16, "frames", "height", "width"));
    assertThat(DenoiserInputs.shapes(latents, LATENTS, 7))
        .hasEntrySatisfying(
            "hidden_states", shape -> assertThat(shape).containsExactly(2, 16, 5, 6, 8));
    var prompt = program(Value.input("context", "batch", "text", 32));
    assertThat(DenoiserInputs.shapes(prompt, LATENTS, 7))
        .hasEntrySatisfying("context", shape -> assertThat(shape).containsExactly(2, 7, 32));
  }

  @Test
  void shapes_ofASizeThatIsNeither_areAnError() {
    var odd = program(Value.input("x", "batch", "elephants"));
    assertThatThrownBy(() -> DenoiserInputs.shapes(odd, LATENTS, 7))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("elephants");
  }
}
