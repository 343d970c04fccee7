package io.github.tpdiff.weights.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.pickle.TorchArchives.View;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class StridedViewTest {

  /** The oracle counts through the view element by element, as its definition says. */
  @Property(tries = 300)
  void anyView_readsTheElementsItsStridesNameInAnyPieces(@ForAll("views") View view)
      throws IOException {
    Path file = Files.createTempFile("tpdiff", ".pth");
    try {
      byte[] storage = new byte[4 * 1000];
      new Random(view.hashCode()).nextBytes(storage);
      byte[] pickle = TorchArchives.pickle(TorchArchives.tensor("FloatStorage", 1000, view));
      Files.write(file, TorchArchives.zip(Map.of("a/data.pkl", pickle, "a/data/0", storage)));
      ByteBuffer expected = elements(view, ByteBuffer.wrap(storage));
      try (TorchFile source = TorchFile.open(file)) {
        assertThat(source.require("").shape()).isEqualTo(view.shape());
        assertThat(source.bytes("")).isEqualTo(expected);
        int third = expected.remaining() / 3;
        assertThat(source.bytes("", third, third)).isEqualTo(expected.slice(third, third));
      }
    } finally {
      Files.delete(file);
    }
  }

  private static ByteBuffer elements(View view, ByteBuffer storage) {
    long count = view.shape().stream().reduce(1L, (a, b) -> a * b);
    ByteBuffer elements = ByteBuffer.allocate((int) (4 * count));
    long[] position = new long[view.shape().size()];
    for (long element = 0; element < count; element++) {
      long index = view.offset();
      for (int i = 0; i < position.length; i++) {
        index += position[i] * view.strides().get(i);
      }
      elements.putInt(storage.getInt((int) (4 * index)));
      for (int i = position.length - 1; i >= 0 && ++position[i] == view.shape().get(i); i--) {
        position[i] = 0;
      }
    }
    return elements.flip();
  }

  @Provide
  Arbitrary<View> views() {
    Arbitrary<Long> sizes = Arbitraries.longs().between(0, 5);
    Arbitrary<Long> strides = Arbitraries.longs().between(0, 40);
    return Arbitraries.integers()
        .between(0, 4)
        .flatMap(
            rank ->
                Combinators.combine(
                        Arbitraries.longs().between(0, 300),
                        sizes.list().ofSize(rank),
                        strides.list().ofSize(rank))
                    .as(View::new));
  }
}
