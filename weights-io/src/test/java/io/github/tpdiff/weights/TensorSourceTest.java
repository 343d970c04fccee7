package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TensorSourceTest {

  private final MemoryTensors tensors =
      MemoryTensors.builder()
          .addFloats("a.weight", List.of(2L), 1, 2)
          .addLongs("b", List.of(), 7)
          .metadata("k", "base")
          .build();

  @Test
  void memoryTensors_giveBackWhatWasAdded() {
    assertThat(tensors.names()).containsExactly("a.weight", "b");
    assertThat(tensors.floats("a.weight")).containsExactly(1, 2);
    assertThat(tensors.bytes("b").getLong()).isEqualTo(7);
    assertThat(tensors.bytes("a.weight", 4, 4).getFloat()).isEqualTo(2);
    assertThat(tensors.bytes("b").isDirect()).isTrue();
    assertThat(tensors.region("b")).isEmpty();
    assertThatThrownBy(() -> tensors.bytes("a.weight", 4, 5))
        .hasMessageContaining("expected a slice of its 8 bytes, found offset 4, length 5");
    assertThatThrownBy(() -> tensors.floats("b"))
        .hasMessage("tensors in memory: tensor 'b': expected a floating type, found I64");
  }

  @Test
  void payloadOfTheWrongSize_isRefused() {
    TensorInfo info = new TensorInfo("x", DType.F16, List.of(3L));
    assertThatThrownBy(() -> MemoryTensors.builder().add(info, ByteBuffer.allocate(5)))
        .hasMessage("tensor 'x': expected 6 bytes for F16 [3], found 5");
  }

  @Test
  void shapesThatOverflow_areRefused() {
    assertThatThrownBy(() -> new TensorInfo("x", DType.F32, List.of(1L << 62, 4L, 0L)))
        .isInstanceOf(CheckpointException.class);
    assertThatThrownBy(() -> new TensorInfo("x", DType.F32, List.of(-1L, -1L)))
        .isInstanceOf(CheckpointException.class);
    assertThat(new TensorInfo("x", DType.F32, List.of()).elementCount()).isEqualTo(1);
    assertThat(new TensorInfo("x", DType.F64, List.of(2L, 0L)).byteCount()).isZero();
  }

  @Test
  void renamedView_showsNewNamesOnly() {
    TensorSource view =
        tensors.renamed(name -> name.equals("b") ? Optional.empty() : Optional.of("model." + name));
    assertThat(view.names()).containsExactly("model.a.weight");
    assertThat(view.require("model.a.weight").name()).isEqualTo("model.a.weight");
    assertThat(view.floats("model.a.weight")).containsExactly(1, 2);
    assertThat(view.find("a.weight")).isEmpty();
    assertThatThrownBy(() -> view.bytes("a.weight"))
        .hasMessageContaining("the nearest name is 'model.a.weight'");
  }

  @Test
  void renamingTwoTensorsAlike_isRefused() {
    assertThatThrownBy(() -> tensors.renamed(name -> Optional.of("same")))
        .hasMessageContaining("tensors 'a.weight' and 'b' would both be named 'same'");
  }

  @Test
  void overlay_replacesAndAdds() {
    TensorSource view =
        tensors.overlaid(
            MemoryTensors.builder()
                .addFloats("a.weight", List.of(1L), 5)
                .addFloats("c", List.of(1L), 6)
                .metadata("k", "top")
                .build());
    assertThat(view.names()).containsExactly("a.weight", "b", "c");
    assertThat(view.floats("a.weight")).containsExactly(5);
    assertThat(view.floats("c")).containsExactly(6);
    assertThat(view.bytes("b").getLong()).isEqualTo(7);
    assertThat(view.metadata()).containsEntry("k", "top");
    assertThatThrownBy(() -> view.bytes("d")).hasMessageContaining("tensor 'd' is missing");
  }
}
