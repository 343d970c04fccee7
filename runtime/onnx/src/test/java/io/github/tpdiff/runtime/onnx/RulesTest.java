package io.github.tpdiff.runtime.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.tpdiff.runtime.graph.Op;
import java.util.Arrays;
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
}
