package io.github.tpdiff.adapters.madeup;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * Random payloads whose scale keeps activations finite: normal with deviation 1/√fan-in, norms 1,
 * biases 0.
 *
 * <p>Values come from one block of normal numbers, entered at a place that depends on the tensor's
 * name and scaled and encoded once per deviation, so that writing costs little more than copying.
 * The block's length is prime: rows of a matrix do not repeat.
 */
public final class MadeUpWeights {
  private static final int BLOCK = 1_048_573;

  /** A factor on a tensor's deviation, where a family's structure asks for another scale. */
  @FunctionalInterface
  public interface Scale {
    double of(TensorInfo info);
  }

  private final DType dtype;
  private final Scale scale;
  private final float[] normal = new float[BLOCK];
  private final Map<Double, ByteBuffer> blocks = new HashMap<>();

  MadeUpWeights(DType dtype, long seed, Scale scale) {
    this.dtype = dtype;
    this.scale = scale;
    var random = new Random(seed);
    for (int i = 0; i < BLOCK; i++) {
      normal[i] = (float) random.nextGaussian();
    }
  }

  TensorSink.Payload payload(TensorInfo info) {
    if (isNorm(info.name())) {
      return constant(1);
    }
    if (info.name().endsWith(".bias")) {
      return constant(0);
    }
    ByteBuffer block = blocks.computeIfAbsent(deviation(info), this::encoded);
    long start = Math.floorMod(info.name().hashCode(), BLOCK);
    return (offset, chunk) -> copy(block, start + offset / dtype.bytes(), chunk);
  }

  /** Exactly these values. */
  TensorSink.Payload values(float[] values) {
    return (offset, chunk) -> {
      int from = Math.toIntExact(offset / dtype.bytes());
      int count = chunk.remaining() / dtype.bytes();
      FloatCodec.encode(FloatBuffer.wrap(values, from, count), dtype, chunk);
    };
  }

  private TensorSink.Payload constant(float value) {
    return (offset, chunk) -> {
      var values = new float[chunk.remaining() / dtype.bytes()];
      java.util.Arrays.fill(values, value);
      FloatCodec.encode(FloatBuffer.wrap(values), dtype, chunk);
    };
  }

  private void copy(ByteBuffer block, long element, ByteBuffer chunk) {
    int at = (int) (element % BLOCK) * dtype.bytes();
    while (chunk.hasRemaining()) {
      int length = Math.min(chunk.remaining(), block.capacity() - at);
      chunk.put(block.slice(at, length));
      at = 0;
    }
  }

  private ByteBuffer encoded(double deviation) {
    var scaled = new float[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
      scaled[i] = (float) (normal[i] * deviation);
    }
    ByteBuffer block =
        ByteBuffer.allocateDirect(BLOCK * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.encode(FloatBuffer.wrap(scaled), dtype, block);
    return block.clear();
  }

  private static boolean isNorm(String name) {
    return name.endsWith(".gamma")
        || (name.endsWith(".weight")
            && name.substring(0, name.length() - 7).matches(".*norm[^.]*"));
  }

  private double deviation(TensorInfo info) {
    long fanIn = info.shape().stream().skip(1).reduce(1L, Math::multiplyExact);
    return scale.of(info) / Math.sqrt((double) fanIn);
  }
}
