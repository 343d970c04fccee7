package io.github.tpdiff.runtime.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class OperationCasesTest {
  private static Stream<Op> operations() {
    return OperationContractTest.cases().stream()
        .flatMap(c -> c.program().segments().get(0).nodes().stream())
        .map(Value::op);
  }

  @Test
  void contract_exercisesEveryOperation() {
    assertThat(operations().map(Op::getClass).collect(Collectors.<Class<?>>toSet()))
        .containsExactlyInAnyOrder(Op.class.getPermittedSubclasses());
  }

  @Test
  void contract_exercisesEveryArithmeticAndFunction() {
    assertThat(
            operations()
                .filter(Op.Binary.class::isInstance)
                .map(op -> ((Op.Binary) op).kind())
                .distinct())
        .containsExactlyInAnyOrder(Op.BinaryKind.values());
    assertThat(
            operations()
                .filter(Op.Unary.class::isInstance)
                .map(op -> ((Op.Unary) op).kind())
                .distinct())
        .containsExactlyInAnyOrder(Op.UnaryKind.values());
  }

  @Test
  void caseNames_areUnique() {
    assertThat(OperationContractTest.cases().stream().map(OperationCase::name))
        .doesNotHaveDuplicates();
  }
}
