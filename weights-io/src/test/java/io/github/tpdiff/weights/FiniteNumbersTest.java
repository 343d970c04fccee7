package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class FiniteNumbersTest {

  /** Types with the largest number that rounds to one they hold, by their definitions. */
  private enum Limit {
    F16(DType.F16, Math.nextDown(65520f)),
    BF16(DType.BF16, Float.intBitsToFloat(0x7f7f7fff)),
    E4M3(DType.F8_E4M3, 464),
    E5M2(DType.F8_E5M2, Math.nextDown(61440f)),
    F32(DType.F32, Float.MAX_VALUE);

    private final DType dtype;
    private final float largest;

    Limit(DType dtype, float largest) {
      this.dtype = dtype;
      this.largest = largest;
    }
  }

  @Property(tries = 300)
  void aNumber_isStorableExactlyUpToTheLargestThatRoundsIntoTheType(
      @ForAll Limit limit,
      @ForAll @IntRange(max = 9000) int place,
      @ForAll @FloatRange(min = 0.5f, max = 1.5f) float factor,
      @ForAll boolean negative) {
    float[] values = new float[9001];
    float size = limit.largest * factor;
    values[place] = negative ? -size : size;
    TensorInfo info = new TensorInfo("t", limit.dtype, List.of(9001L));
    if (size <= limit.largest) {
      FiniteNumbers.requireStorable("f", info, values);
    } else {
      assertThatThrownBy(() -> FiniteNumbers.requireStorable("f", info, values))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith("f: tensor 't': expected ")
          .hasMessageContaining("found " + values[place]);
    }
  }

  @Test
  void limits_areThoseOfTheTypes() {
    for (Limit limit : Limit.values()) {
      TensorInfo info = new TensorInfo("t", limit.dtype, List.of(1L));
      assertThatCode(() -> FiniteNumbers.requireStorable("f", info, new float[] {-limit.largest}))
          .doesNotThrowAnyException();
      assertThatThrownBy(
              () ->
                  FiniteNumbers.requireStorable(
                      "f", info, new float[] {Math.nextUp(limit.largest)}))
          .isInstanceOf(CheckpointException.class);
    }
  }

  @Property(tries = 200)
  void aView_refusesExactlyTheSlicesThatHoldOne(
      @ForAll Floating type,
      @ForAll @IntRange(max = 9999) int place,
      @ForAll Odd odd,
      @ForAll @IntRange(max = 9000) int from,
      @ForAll @IntRange(min = 1, max = 1000) int count) {
    float[] values = new float[10000];
    Arrays.fill(values, 1);
    values[place] = odd.value;
    DType dtype = DType.valueOf(type.name());
    ByteBuffer payload =
        ByteBuffer.allocateDirect(10000 * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.encode(FloatBuffer.wrap(values), dtype, payload);
    TensorSource view =
        MemoryTensors.builder()
            .add(new TensorInfo("t", dtype, List.of(10000L)), payload.flip())
            .build()
            .finite();
    int size = dtype.bytes();
    if (place >= from && place < from + count) {
      assertThatThrownBy(() -> view.bytes("t", (long) from * size, count * size))
          .hasMessageStartingWith("tensors in memory: tensor 't': expected finite numbers, found ");
    } else {
      assertThat(view.bytes("t", (long) from * size, count * size).remaining())
          .isEqualTo(count * size);
    }
  }

  /** Types that hold NaN or infinity. */
  private enum Floating {
    F64,
    F32,
    F16,
    BF16,
    F8_E4M3,
    F8_E5M2,
    F8_E4M3FNUZ,
    F8_E8M0
  }

  private enum Odd {
    NAN(Float.NaN),
    LARGE(Float.POSITIVE_INFINITY),
    SMALL(Float.NEGATIVE_INFINITY);

    private final float value;

    Odd(float value) {
      this.value = value;
    }
  }

  @Test
  void largeF64Numbers_areFinite() {
    ByteBuffer payload = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
    payload.putDouble(1e300).flip();
    TensorSource view =
        MemoryTensors.builder()
            .add(new TensorInfo("t", DType.F64, List.of()), payload)
            .build()
            .finite();
    assertThat(view.bytes("t").getDouble()).isEqualTo(1e300);
  }

  @Test
  void integers_areLeftAlone() {
    TensorSource view = MemoryTensors.builder().addLongs("n", List.of(), -1).build().finite();
    assertThat(view.bytes("n").getLong()).isEqualTo(-1);
  }
}
