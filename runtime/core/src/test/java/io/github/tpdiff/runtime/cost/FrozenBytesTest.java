package io.github.tpdiff.runtime.cost;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FrozenBytesTest {
  /** Segments with 100, 300, 200 elements of their own, 7 that two read, and 5 that are trained. */
  private static Program program() {
    var segments = new ArrayList<Graph>();
    for (long own : List.of(100L, 300L, 200L)) {
      Value h = Value.input("h", 1);
      Value next = h.times(Value.weight("own" + own, own, 1)).reshape(own);
      Value end = next.slice(0, 0, 1).plus(Value.weight("trained" + own, 5).slice(0, 0, 1));
      if (own != 200) {
        end = end.times(Value.weight("shared", 7).slice(0, 0, 1));
      }
      segments.add(Graph.of("s" + own, "h", end));
    }
    return new Program("p", segments, List.of("h"));
  }

  @Test
  void offloaded_isTheTwoLargestSegmentsAndWhatSeveralRead() {
    var trained = Set.of("trained100", "trained300", "trained200");
    assertThat(FrozenBytes.of(program(), WeightSizes.all(DType.BF16), trained))
        .isEqualTo(new FrozenBytes(2 * (600 + 7), 2 * (300 + 200 + 7)));
    assertThat(program().ownWeights(trained))
        .containsExactly(Set.of("own100"), Set.of("own300"), Set.of("own200"));
  }
}
