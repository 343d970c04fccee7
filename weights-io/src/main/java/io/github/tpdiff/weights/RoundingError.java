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
  private double largest;
  private double sum;
  private double squares;
  private double magnitudes;

  /**
   * Encodes some of a tensor's values and notes what that costs; the position of {@code dst} moves
   * to the end.
   *
   * @param origin where the values come from, for messages
   * @param stored the tensor in the type it is stored as
   * @throws CheckpointException when a value is not finite, or not in that type
   */
  public void encode(String origin, TensorInfo stored, float[] values, ByteBuffer dst) {
    DType dtype = stored.dtype();
    int start = dst.position();
    FloatCodec.encode(FloatBuffer.wrap(values), dtype, dst);
    float[] back = values;
    if (dtype != DType.F32 && dtype != DType.F64) {
      ByteBuffer written = dst.duplicate().position(start).limit(dst.position());
      back = FloatCodec.decode(dtype, written);
    }
    FiniteNumbers.requireFit(origin, stored, FloatBuffer.wrap(values), back);
    for (int i = 0; i < values.length; i++) {
      add(values[i], back[i]);
    }
  }

  /**
   * Writes a whole tensor as the floating type of {@code target} and notes what that costs.
   *
   * @throws CheckpointException when a value is not finite, or not in that type
   */
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
          encode(source.origin(), target, values, chunk);
        });
  }

  private void add(float meant, float stored) {
    count++;
    magnitudes += (double) meant * meant;
    double error = Math.abs((double) meant - stored);
    largest = Math.max(largest, error);
    sum += error;
    squares += error * error;
  }

  /** How many numbers were stored. */
  public long count() {
    return count;
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
    return "rounding error at most %.3g, mean %.3g, relative %.3g"
        .formatted(largest, mean(), relative());
  }
}
