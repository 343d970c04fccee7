package io.github.tpdiff.runtime.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RulesTest {
  @Test
  void everyOperationButWeightsHasARule() {
    Set<Class<?>> operations =
        Arrays.stream(Op.class.getPermittedSubclasses()).collect(Collectors.toSet());
    operations.remove(Op.Weight.class); // resolved by the lowering, not by a rule
    assertEquals(operations, Rules.covered());
  }

  @Test
  void dropout_isRefused() {
    Value y =
        Value.input("x", 2, 3)
            .dropout(0.5, Value.indexInput("seed", 1), Value.indices(new long[] {0}, 1));
    var program = new Program("p", List.of(Graph.of("g", "y", y)), List.of("y"));
    var refused =
        assertThrows(
            GraphException.class,
            () ->
                ProgramLowering.lower(
                    program,
                    GraphForm.inFp32(OnnxFlavour.STANDARD),
                    name -> StoredWeight.plain(DType.F32, "weights", 0, 0)));
    assertEquals(
        "dropout: is for training alone; export the network without it", refused.getMessage());
  }
}
