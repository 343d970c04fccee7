package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * What {@link Prodigy} knows of the distance to the solution, the same for all tensors.
 *
 * @param distance d, which never falls
 * @param numerator of the next estimate
 * @param steps done
 */
public record ProdigyEstimate(double distance, double numerator, long steps) {
  /** Of the state: the three, as F64. */
  public static final TensorInfo INFO = new TensorInfo("prodigy", DType.F64, List.of(3L));

  /** Before the first step. */
  public static ProdigyEstimate first(Prodigy kind) {
    return new ProdigyEstimate(kind.estimation().first(), 0, 0);
  }

  /**
   * As {@link #payload} wrote it.
   *
   * @throws CheckpointException if it is missing or no three numbers
   */
  public static ProdigyEstimate read(TensorSource state) {
    ByteBuffer bytes = state.bytes(RememberedTensors.require(state, INFO).name());
    return new ProdigyEstimate(bytes.getDouble(), bytes.getDouble(), Math.round(bytes.getDouble()));
  }

  /** The payload of {@link #INFO}. */
  public ByteBuffer payload() {
    return ByteBuffer.allocateDirect(Math.toIntExact(INFO.byteCount()))
        .order(ByteOrder.LITTLE_ENDIAN)
        .putDouble(distance)
        .putDouble(numerator)
        .putDouble((double) steps)
        .flip();
  }

  /**
   * The numbers of a step that are known before its sums, in fp32.
   *
   * @param beta1 decay of the mean
   * @param toMean factor on the gradient in the mean
   * @param beta2 decay of the square
   * @param toSquare factor on the gradient's square in the mean of squares
   * @param beta3 decay of the sum
   * @param toSum factor on the gradient in the sum
   */
  public record Gather(
      float beta1, float toMean, float beta2, float toSquare, float beta3, float toSum) {
    /** All, in their order. */
    public float[] numbers() {
      return new float[] {beta1, toMean, beta2, toSquare, beta3, toSum};
    }
  }

  /**
   * The numbers of a step that follow its sums, in fp32.
   *
   * @param eps added to the root of the mean of squares
   * @param decay factor on the weight of what is added to it
   * @param size factor on mean / divisor
   */
  public record Move(float eps, float decay, float size) {
    /** All, in their order. */
    public float[] numbers() {
      return new float[] {eps, decay, size};
    }
  }

  /**
   * What a step's sums come to.
   *
   * @param estimate after it
   * @param move of all tensors
   */
  public record Found(ProdigyEstimate estimate, Move move) {}

  private double stepSize(Prodigy kind, double rate) {
    double corrected =
        kind.estimation().correctsBias()
            ? Math.sqrt(1 - Math.pow(kind.beta2(), steps + 1.0))
                / (1 - Math.pow(kind.beta1(), steps + 1.0))
            : 1;
    return distance * rate * corrected;
  }

  /** The first numbers of the next step at a learning rate. */
  public Gather gather(Prodigy kind, double rate) {
    double growth = distance / kind.estimation().first();
    double inSum = kind.estimation().safeguardsWarmup() ? distance : stepSize(kind, rate);
    return new Gather(
        (float) kind.beta1(),
        (float) (distance * (1 - kind.beta1())),
        (float) kind.beta2(),
        (float) (distance * distance * (1 - kind.beta2())),
        (float) Math.sqrt(kind.beta2()),
        (float) (growth * inSum));
  }

  /**
   * What follows from a step's sums over all tensors; empty where nothing moves, because every
   * gradient so far was zero.
   *
   * @param rate of learning
   * @param product of gradient and start − weight, summed
   * @param size of the running sums: their magnitudes, summed
   */
  public Optional<Found> found(Prodigy kind, double rate, double product, double size) {
    if (size == 0) {
      return Optional.empty();
    }
    double stepSize = stepSize(kind, rate);
    double above =
        numerator * Math.sqrt(kind.beta2())
            + distance / kind.estimation().first() * stepSize * product;
    double next = Math.max(distance, kind.estimation().factor() * above / size);
    var move =
        new Move(
            (float) (next * kind.eps()),
            (float) (-kind.weightDecay() * stepSize),
            (float) -stepSize);
    return Optional.of(new Found(new ProdigyEstimate(next, above, steps + 1), move));
  }
}
