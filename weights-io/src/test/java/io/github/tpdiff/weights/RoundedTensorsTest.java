package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against PyTorch 2.15: with {@code torch.manual_seed(0)}, {@code w = torch.randn(4, 6) * 0.02},
 * {@code s = w.abs().max() / 448}, {@code (w / s).to(torch.float8_e4m3fn).view(torch.uint8)} and
 * {@code w.to(torch.bfloat16).view(torch.int16)}; the same of {@code w.to(dtype).float()}. By rows
 * with {@code s = w.abs().amax(1, keepdim=True)} over 448, and over 127 with {@code (w /
 * s).round().to(torch.int8)}.
 */
class RoundedTensorsTest {
  private static final float[] W = {
    -0.022516796f, -0.023047203f, -0.0050115716f, -0.008677576f, 0.016974207f, 0.013840183f,
    -0.0063202553f, -0.042304385f, 0.009361928f, -0.003154249f, 0.028873201f, 0.005320988f,
    0.0033291068f, 0.017487636f, -0.0028694768f, -0.0022321865f, 0.018636532f, 0.025180183f,
    0.04009961f, 0.001074738f, 0.012361133f, -0.008256044f, -0.016821295f, -0.046320837f
  };
  private static final int[] CODES = {
    246, 246, 228, 234, 114, 112, 231, 253, 107, 223, 121, 101,
    96, 115, 222, 219, 115, 119, 124, 82, 111, 234, 242, 254
  };
  private static final int[] BF16 = {
    -17224, -17219, -17500, -17394, 15499, 15459, -17457, -17107, 15385, -17585, 15597, 15278,
    15194, 15503, -17604, -17646, 15513, 15566, 15652, 14989, 15435, -17401, -17270, -17090
  };

  private static final byte[] I8_BY_ROWS = {
    -124, -127, -28, -48, 94, 76, -19, -127, 28, -9, 87, 16,
    17, 88, -14, -11, 94, 127, 110, 3, 34, -23, -46, -127
  };
  private static final float[] I8_SCALES = {
    0.00018147404f, 0.0003331054f, 0.00019826916f, 0.000364731f
  };
  private static final int[] E4M3_BY_ROWS = {
    254, 254, 236, 243, 122, 120, 232, 254, 108, 224, 122, 102,
    103, 122, 229, 226, 122, 126, 124, 82, 111, 234, 242, 254
  };
  private static final float[] E4M3_SCALES = {
    5.144465e-05f, 9.442943e-05f, 5.6205765e-05f, 0.00010339473f
  };

  private static MemoryTensors tensors(DType dtype) {
    ByteBuffer payload =
        ByteBuffer.allocateDirect(W.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.encode(FloatBuffer.wrap(W), dtype, payload);
    return MemoryTensors.builder()
        .add(new TensorInfo("w", dtype, List.of(4L, 6L)), payload.flip())
        .addFloats("norm", List.of(2L), 1, 2)
        .build();
  }

  private static int[] unsigned(ByteBuffer bytes) {
    int[] all = new int[bytes.remaining()];
    for (int i = 0; i < all.length; i++) {
      all[i] = bytes.get(i) & 0xff;
    }
    return all;
  }

  @ParameterizedTest
  @CsvSource({"F32, 0.00010339473f", "BF16, 0.00010354178f", "F16, 0.000103405546f"})
  void codesAndScale_areThoseOfPyTorch(DType dtype, float scale) {
    try (TensorSource quantized = tensors(dtype).quantized(Set.of("w"), Quantization.E4M3_TENSOR)) {
      ScaledCodes codes = quantized.scaled("w").orElseThrow();
      assertThat(codes.info().dtype()).isEqualTo(DType.F8_E4M3);
      assertThat(unsigned(codes.source().bytes(codes.name()))).isEqualTo(CODES);
      assertThat(unsigned(codes.source().bytes(codes.name(), 5, 3))).containsExactly(112, 231, 253);
      assertThat(codes.scales()).containsOnly(scale).hasSize(4);
      assertThat(codes.byteCount()).isEqualTo(24 + 4 * 4);
      assertThat(quantized.stored("w").dtype()).isEqualTo(DType.F8_E4M3);
      assertThat(quantized.region("w")).isEmpty();
      // -0.0225167964 becomes code 246, that is -(1 + 6/8) · 2^7.
      float[] values = quantized.floats("w");
      assertThat(values[0]).isEqualTo(-224 * scale);
      assertThat(values[23]).isEqualTo(-448 * scale);
      assertThat(quantized.scaled("norm")).isEmpty();
      assertThat(quantized.floats("norm")).containsExactly(1, 2);
    }
  }

  @Test
  void codesAndScalesByRows_areThoseOfPyTorch() {
    try (TensorSource integers = tensors(DType.F32).quantized(Set.of("w"), Quantization.I8_ROWS);
        TensorSource floats = tensors(DType.F32).quantized(Set.of("w"), Quantization.E4M3_ROWS)) {
      ScaledCodes i8 = integers.scaled("w").orElseThrow();
      assertThat(i8.info().dtype()).isEqualTo(DType.I8);
      var codes = new byte[24];
      i8.source().bytes(i8.name()).get(codes);
      assertThat(codes).isEqualTo(I8_BY_ROWS);
      assertThat(i8.scales()).isEqualTo(I8_SCALES);
      ScaledCodes e4m3 = floats.scaled("w").orElseThrow();
      assertThat(unsigned(e4m3.source().bytes(e4m3.name()))).isEqualTo(E4M3_BY_ROWS);
      assertThat(e4m3.scales()).isEqualTo(E4M3_SCALES);
      // A slice that begins in the second row and ends in the third.
      ByteBuffer slice = i8.source().bytes(i8.name(), 10, 4);
      assertThat(new byte[] {slice.get(0), slice.get(1), slice.get(2), slice.get(3)})
          .containsExactly(87, 16, 17, 88);
      float[] values = integers.floats("w");
      assertThat(values[6]).isEqualTo(-19 * I8_SCALES[1]);
      assertThat(values[23]).isEqualTo(-127 * I8_SCALES[3]);
      assertThat(integers.stored("w").byteCount()).isEqualTo(24);
    }
  }

  /** Eight-bit floats are kept as such, but integers are made of them where those are asked for. */
  @Test
  void integersAreMadeOfEightBitFloats_butNotTheOtherWayRound() {
    TensorSource floats = tensors(DType.F32).quantized(Set.of("w"), Quantization.E4M3_TENSOR);
    ScaledCodes kept =
        floats.quantized(Set.of("w"), Quantization.E4M3_ROWS).scaled("w").orElseThrow();
    assertThat(unsigned(kept.source().bytes(kept.name()))).isEqualTo(CODES);
    TensorSource integers = floats.quantized(Set.of("w"), Quantization.I8_ROWS);
    ScaledCodes made = integers.scaled("w").orElseThrow();
    assertThat(made.info().dtype()).isEqualTo(DType.I8);
    float[] expected = floats.floats("w");
    for (int i = 0; i < expected.length; i++) {
      // At most half a step, and what fp32 rounds.
      assertThat(integers.floats("w")[i])
          .isCloseTo(expected[i], within(0.5001f * made.scales()[i / 6]));
    }
  }

  @Test
  void bf16_isRoundedAsPyTorchRounds() {
    try (TensorSource rounded = tensors(DType.F32).inBf16(Set.of("w"))) {
      assertThat(rounded.require("w").dtype()).isEqualTo(DType.BF16);
      assertThat(rounded.stored("w")).isEqualTo(rounded.require("w"));
      ByteBuffer bytes = rounded.bytes("w");
      for (int i = 0; i < W.length; i++) {
        assertThat(bytes.getShort(2 * i)).isEqualTo((short) BF16[i]);
      }
      ByteBuffer odd = rounded.bytes("w", 3, 4);
      for (int i = 0; i < 4; i++) {
        assertThat(odd.get(i)).isEqualTo(bytes.get(3 + i));
      }
      assertThat(rounded.require("norm").dtype()).isEqualTo(DType.F32);
    }
  }

  @Test
  void whatIsStoredInFewerBits_staysAsItIs() {
    ByteBuffer codes = ByteBuffer.allocateDirect(24).put(new byte[] {8, 17}).rewind();
    TensorSource stored =
        MemoryTensors.builder()
            .add(new TensorInfo("w", DType.F8_E5M2, List.of(4L, 6L)), codes)
            .build();
    for (TensorSource same :
        List.of(
            stored.quantized(Set.of("w"), Quantization.E4M3_TENSOR),
            stored.inBf16(Set.of("w")),
            stored.finite())) {
      ScaledCodes found = same.scaled("w").orElseThrow();
      assertThat(found.info().dtype()).isEqualTo(DType.F8_E5M2);
      assertThat(found.source().bytes(found.name())).isEqualTo(codes);
      assertThat(found.scales()).containsExactly(1, 1, 1, 1);
    }
    assertThat(tensors(DType.BF16).inBf16(Set.of("w")).bytes("w").getShort(0))
        .isEqualTo((short) BF16[0]);
  }

  /** All zeros have no largest magnitude to divide by, the smallest numbers no normal quotient. */
  @Test
  void zerosAndTheSmallestNumbers_keepTheirValues() {
    float least = Float.MIN_VALUE;
    try (TensorSource quantized =
        MemoryTensors.builder()
            .addFloats("zero", List.of(1L, 2L), 0, -0f)
            .addFloats("small", List.of(1L, 3L), 7 * least, -least, 0)
            .build()
            .quantized(Set.of("zero", "small"), Quantization.E4M3_TENSOR)) {
      assertThat(quantized.floats("zero")).containsExactly(0, -0f);
      assertThat(quantized.floats("small")).containsExactly(7 * least, -least, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.NEGATIVE_INFINITY})
  void numberThatIsNotFinite_isRefusedNamingItsTensor(float wrong) {
    try (TensorSource source =
        MemoryTensors.builder().addFloats("layer.weight", List.of(1L, 2L), 1, wrong).build()) {
      for (TensorSource rounded :
          List.of(
              source.quantized(Set.of("layer.weight"), Quantization.E4M3_TENSOR),
              source.inBf16(Set.of("layer.weight")))) {
        assertThatThrownBy(() -> rounded.bytes("layer.weight"))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining("tensor 'layer.weight': expected finite numbers, found " + wrong);
      }
    }
  }

  @Test
  void otherNamesAndTensorsOnTop_keepCodes() {
    try (TensorSource quantized =
        tensors(DType.F32).quantized(Set.of("w"), Quantization.E4M3_TENSOR)) {
      TensorSource renamed = quantized.renamed(name -> Optional.of("x." + name));
      ScaledCodes codes = renamed.scaled("x.w").orElseThrow();
      assertThat(unsigned(codes.source().bytes(codes.name()))).isEqualTo(CODES);
      TensorSource top = MemoryTensors.builder().addFloats("x.w", List.of(1L), 1).build();
      assertThat(renamed.overlaid(top).scaled("x.w")).isEmpty();
      assertThat(top.overlaid(renamed).scaled("x.w")).isPresent();
    }
  }
}
