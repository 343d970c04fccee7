package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * What storing numbers in a type cost: the distance between what was meant and what was stored.
 *
 * <p>Accumulates over tensors; not for several threads at once.
 */
public final class RoundingError {

  private long count;
  private long overflows;
  private double largest;
  private double sum;
  private double squares;
  private double magnitudes;

  /** Encodes values and notes what that costs; the position of {@code dst} moves to the end. */
  public void encode(float[] values, DType dtype, ByteBuffer dst) {
    int start = dst.position();
    FloatCodec.encode(FloatBuffer.wrap(values), dtype, dst);
    if (dtype == DType.F32 || dtype == DType.F64) {
      exact(values);
      return;
    }
    int end = dst.position();
    ByteBuffer stored = dst.duplicate().position(start).limit(end);
    float[] back = new float[values.length];
    FloatCodec.decode(dtype, stored, FloatBuffer.wrap(back));
    for (int i = 0; i < values.length; i++) {
      add(values[i], back[i]);
    }
  }

  /** Writes a whole tensor as the floating type of {@code target} and notes what that costs. */
  public void copy(TensorSource source, TensorInfo target, TensorSink sink) {
    String name = target.name();
    DType from = source.require(name).dtype();
    int size = target.dtype().bytes();
    sink.fill(
        name,
        (offset, chunk) -> {
          long first = offset / size * from.bytes();
          int length = chunk.remaining() / size * from.bytes();
          float[] values = FloatCodec.decode(from, source.bytes(name, first, length));
          encode(values, target.dtype(), chunk);
        });
  }

  private void exact(float[] values) {
    count += values.length;
    for (float value : values) {
      if (Float.isFinite(value)) {
        magnitudes += (double) value * value;
      }
    }
  }

  private void add(float meant, float stored) {
    count++;
    if (!Float.isFinite(meant)) {
      return;
    }
    magnitudes += (double) meant * meant;
    if (!Float.isFinite(stored)) {
      overflows++;
      return;
    }
    double error = Math.abs((double) meant - stored);
    largest = Math.max(largest, error);
    sum += error;
    squares += error * error;
  }

  /** How many numbers were stored. */
  public long count() {
    return count;
  }

  /** How many finite numbers the type could not hold. */
  public long overflows() {
    return overflows;
  }

  /** The largest absolute error. */
  public double largest() {
    return largest;
  }

  /** The mean absolute error. */
  public double mean() {
    return count == 0 ? 0 : sum / count;
  }

  /** Root of the sum of the squared errors. */
  public double norm() {
    return Math.sqrt(squares);
  }

  /** Root mean square of the errors over that of the numbers. */
  public double relative() {
    return magnitudes == 0 ? 0 : Math.sqrt(squares / magnitudes);
  }

  @Override
  public String toString() {
    String text =
        "rounding error at most %.3g, mean %.3g, relative %.3g"
            .formatted(largest, mean(), relative());
    return overflows == 0
        ? text
        : text + ", %d numbers too large for the type".formatted(overflows);
  }
}
