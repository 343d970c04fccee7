package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.List;
import java.util.Locale;

/**
 * A DoRA of one layer (Liu et al. 2024, eq. 5): {@code m · (W + ΔW) / ‖W + ΔW‖}, where ΔW is a
 * low-rank product and both m and the norm have one number for each output; or for each input, as
 * older trainers have it.
 *
 * <p>At a strength s it is {@code W + s · (that − W)}, as ComfyUI has it.
 *
 * @param pair ΔW
 * @param magnitude m, not copied
 * @param axis what there is a magnitude for
 */
@SuppressWarnings("ArrayRecordComponent") // large, never compared
public record DoraPair(LoraPair pair, float[] magnitude, Axis axis) implements LayerChange {
  /** What has a magnitude. */
  public enum Axis {
    OUTPUTS,
    /** Features in, or channels in of a convolution. */
    INPUTS
  }

  /**
   * @throws CheckpointException when there is not one magnitude for each output, or input
   */
  public DoraPair {
    int expected = axis == Axis.OUTPUTS ? pair.out() : pair.in() / kernelSize(pair);
    if (magnitude.length != expected) {
      throw new CheckpointException(
          "expected a magnitude for each of %d %s, found %d"
              .formatted(expected, axis.name().toLowerCase(Locale.ROOT), magnitude.length));
    }
  }

  /** With a magnitude for each output. */
  public DoraPair(LoraPair pair, float[] magnitude) {
    this(pair, magnitude, Axis.OUTPUTS);
  }

  private static int kernelSize(LoraPair pair) {
    return Math.toIntExact(pair.kernel().stream().reduce(1L, Math::multiplyExact));
  }

  /** Which magnitude an element has. */
  private static int place(LoraPair pair, Axis axis, long element) {
    return (int)
        (axis == Axis.OUTPUTS ? element / pair.in() : element % pair.in() / kernelSize(pair));
  }

  @Override
  public String kind() {
    return "DoRA";
  }

  @Override
  public int in() {
    return pair.in();
  }

  @Override
  public int out() {
    return pair.out();
  }

  @Override
  public List<float[]> numbers() {
    return List.of(pair.a(), pair.b(), magnitude);
  }

  @Override
  public int rank() {
    return pair.rank();
  }

  @Override
  public double scale() {
    return pair.scale();
  }

  @Override
  public double alpha() {
    return pair.alpha();
  }

  /** The shape of the magnitudes as PEFT has it. */
  List<Long> shapeInPeft() {
    return pair.kernel().isEmpty()
        ? List.of((long) out())
        : LayerChange.shape(1, out(), pair.kernel().stream().map(size -> 1L).toList());
  }

  /** The shape of the magnitudes as LyCORIS and ComfyUI have it. */
  List<Long> shapeInComfyUi() {
    List<Long> ones = pair.kernel().stream().map(size -> 1L).toList();
    return axis == Axis.OUTPUTS
        ? LayerChange.shape(out(), 1, ones)
        : LayerChange.shape(1, magnitude.length, ones);
  }

  /** No element is larger than its magnitude, as long as the sum before is finite. */
  @Override
  public boolean isFinite(double strength) {
    boolean finite = pair.isFinite(1);
    for (float own : magnitude) {
      finite &= Float.isFinite((float) (strength * own));
    }
    return finite;
  }

  @Override
  public PreparedChange on(Elements weight) {
    double[] squares = new double[magnitude.length];
    for (int row = 0; row < out(); row++) {
      long first = (long) row * in();
      float[] after = weight.read(first, in());
      pair.addTo(after, first, 1);
      for (int i = 0; i < after.length; i++) {
        squares[place(pair, axis, first + i)] += (double) after[i] * after[i];
      }
    }
    double[] factors = new double[magnitude.length];
    for (int i = 0; i < factors.length; i++) {
      // A row of zeros has no direction and stays what it is.
      factors[i] = squares[i] == 0 ? 1 : magnitude[i] / Math.sqrt(squares[i]);
    }
    Prepared prepared = new Prepared(pair, axis, factors, 0);
    return new Prepared(pair, axis, factors, prepared.normOn(weight));
  }

  private record Prepared(LoraPair pair, Axis axis, double[] factors, double norm)
      implements PreparedChange {
    @Override
    public void addTo(float[] elements, long first, double strength) {
      float[] after = elements.clone();
      pair.addTo(after, first, 1);
      for (int i = 0; i < elements.length; i++) {
        double own = factors[place(pair, axis, first + i)] * after[i];
        elements[i] = (float) (elements[i] + strength * (own - elements[i]));
      }
    }

    private double normOn(Elements weight) {
      double squares = 0;
      for (int row = 0; row < pair.out(); row++) {
        long first = (long) row * pair.in();
        float[] before = weight.read(first, pair.in());
        float[] after = before.clone();
        addTo(after, first, 1);
        for (int i = 0; i < after.length; i++) {
          double change = (double) after[i] - before[i];
          squares += change * change;
        }
      }
      return Math.sqrt(squares);
    }
  }
}
