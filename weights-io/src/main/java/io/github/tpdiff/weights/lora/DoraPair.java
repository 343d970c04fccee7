package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.List;

/**
 * A DoRA of one layer (Liu et al. 2024, eq. 5): {@code m · (W + ΔW) / ‖W + ΔW‖}, where ΔW is a
 * low-rank product and both m and the norm have one number for each output.
 *
 * <p>At a strength s it is {@code W + s · (that − W)}, as ComfyUI has it.
 *
 * @param pair ΔW
 * @param magnitude m [out], not copied
 */
@SuppressWarnings("ArrayRecordComponent") // large, never compared
public record DoraPair(LoraPair pair, float[] magnitude) implements LayerChange {
  /**
   * @throws CheckpointException when there is not one magnitude for each output
   */
  public DoraPair {
    if (magnitude.length != pair.out()) {
      throw new CheckpointException(
          "expected a magnitude for each of %d outputs, found %d"
              .formatted(pair.out(), magnitude.length));
    }
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
    return LayerChange.shape(out(), 1, pair.kernel().stream().map(size -> 1L).toList());
  }

  /** No element is larger than the magnitude of its row, as long as the sum before is finite. */
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
    double[] factors = new double[out()];
    double squares = 0;
    for (int row = 0; row < out(); row++) {
      long first = (long) row * in();
      float[] before = weight.read(first, in());
      float[] after = before.clone();
      pair.addTo(after, first, 1);
      double norm = 0;
      for (float value : after) {
        norm += (double) value * value;
      }
      factors[row] = factor(magnitude[row], Math.sqrt(norm));
      for (int i = 0; i < after.length; i++) {
        double change = factors[row] * after[i] - before[i];
        squares += change * change;
      }
    }
    return new Prepared(pair, factors, Math.sqrt(squares));
  }

  /** A row of zeros has no direction and stays what it is. */
  private static double factor(float magnitude, double norm) {
    return norm == 0 ? 1 : magnitude / norm;
  }

  private record Prepared(LoraPair pair, double[] factors, double norm) implements PreparedChange {
    @Override
    public void addTo(float[] elements, long first, double strength) {
      float[] after = elements.clone();
      pair.addTo(after, first, 1);
      for (int i = 0; i < elements.length; i++) {
        double own = factors[(int) ((first + i) / pair.in())] * after[i];
        elements[i] = (float) (elements[i] + strength * (own - elements[i]));
      }
    }
  }
}
