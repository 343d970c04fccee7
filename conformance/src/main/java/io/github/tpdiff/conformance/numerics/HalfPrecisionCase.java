package io.github.tpdiff.conformance.numerics;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.stream.IntStream;

/** Kind {@code half_precision}: conversions to and from 16 bits, and every code of fp16 and fp8. */
public final class HalfPrecisionCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    float[] values = golden.tensors().floats(golden.whole().inputName("values"));
    for (DType type : new DType[] {DType.BF16, DType.F16}) {
      String name = type == DType.F16 ? "fp16" : "bf16";
      ByteBuffer bytes =
          ByteBuffer.allocate(values.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      FloatCodec.encode(FloatBuffer.wrap(values), type, bytes);
      double[] rounded = decoded(type, bytes.flip());
      checks.compare(name, rounded);
      checks.compare(name + "_as_fp32", rounded);
    }
    checks.compare("all_fp16_as_fp32", every(DType.F16));
    checks.compare("all_f8_e4m3_as_fp32", every(DType.F8_E4M3));
    checks.compare("all_f8_e5m2_as_fp32", every(DType.F8_E5M2));
  }

  /** The values of all codes of a type of one or two bytes, in order. */
  private static double[] every(DType type) {
    int codes = 1 << (8 * type.bytes());
    ByteBuffer bytes = ByteBuffer.allocate(codes * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int code = 0; code < codes; code++) {
      if (type.bytes() == 1) {
        bytes.put((byte) code);
      } else {
        bytes.putShort((short) code);
      }
    }
    return decoded(type, bytes.flip());
  }

  private static double[] decoded(DType type, ByteBuffer bytes) {
    float[] values = FloatCodec.decode(type, bytes);
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }
}
