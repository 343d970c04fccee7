package io.github.tpdiff.runtime.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class OperationCasesTest {
  private static Stream<Op> operations() {
    return OperationContractTest.cases().stream()
        .flatMap(c -> c.program().segments().get(0).nodes().stream())
        .map(Value::op);
  }

  /** Dropout is of training alone: PyTorch is held to the interpreter's by a test of its own. */
  @Test
  void contract_exercisesEveryOperation_butDropout() {
    Set<Class<?>> all = Set.of(Op.class.getPermittedSubclasses());
    assertThat(
            Stream.concat(operations().map(Op::getClass), Stream.of(Op.Dropout.class))
                .collect(Collectors.<Class<?>>toSet()))
        .isEqualTo(all);
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
