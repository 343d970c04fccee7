package io.github.tpdiff.lora.optim;

import io.github.tpdiff.runtime.optim.Adafactor;
import java.util.List;

/** {@link Adafactor} in fp32, with sums in fp64. */
record AdafactorStep(Adafactor kind) implements WeightStep {
  @Override
  public void move(Weight weight, Remembered remembered, int number, double rate) {
    Adafactor.Step x = kind.step(number, rate);
    List<Long> shape = weight.value().shape();
    float[] update =
        Adafactor.isFactored(shape)
            ? factored(x, weight, remembered)
            : divided(x, weight.gradient(), remembered.floats(Adafactor.SQUARE + weight.name()));
    double squares = 0;
    for (float value : update) {
      squares += (double) value * value;
    }
    double size = Math.sqrt(squares / update.length);
    float cut = (float) Math.max(1, size / x.clipThreshold());
    float[] p = weight.value().values();
    for (int i = 0; i < p.length; i++) {
      p[i] += p[i] * x.decay();
      p[i] -= update[i] / cut * x.rate();
    }
  }

  private static float[] divided(Adafactor.Step x, float[] g, float[] square) {
    var update = new float[g.length];
    for (int i = 0; i < g.length; i++) {
      square[i] = square[i] * x.beta2() + (g[i] * g[i] + x.eps()) * x.toSquare();
      update[i] = inverseRoot(square[i]) * g[i];
    }
    return update;
  }

  /** Matrix by matrix, of the last two axes. */
  private static float[] factored(Adafactor.Step x, Weight weight, Remembered remembered) {
    List<Long> shape = weight.value().shape();
    int columns = Math.toIntExact(shape.get(shape.size() - 1));
    int rows = Math.toIntExact(shape.get(shape.size() - 2));
    float[] g = weight.gradient();
    float[] ofRows = remembered.floats(Adafactor.ROWS + weight.name());
    float[] ofColumns = remembered.floats(Adafactor.COLUMNS + weight.name());
    var update = new float[g.length];
    for (int matrix = 0; matrix * rows * columns < g.length; matrix++) {
      int at = matrix * rows * columns;
      var rowSums = new double[rows];
      var columnSums = new double[columns];
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          float gradient = g[at + r * columns + c];
          float square = gradient * gradient + x.eps();
          rowSums[r] += square;
          columnSums[c] += square;
        }
      }
      move(x, ofRows, matrix * rows, rowSums, columns);
      move(x, ofColumns, matrix * columns, columnSums, rows);
      double sum = 0;
      for (int r = 0; r < rows; r++) {
        sum += ofRows[matrix * rows + r];
      }
      float mean = (float) (sum / rows);
      for (int r = 0; r < rows; r++) {
        float ofRow = inverseRoot(ofRows[matrix * rows + r] / mean);
        for (int c = 0; c < columns; c++) {
          int i = at + r * columns + c;
          update[i] = ofRow * inverseRoot(ofColumns[matrix * columns + c]) * g[i];
        }
      }
    }
    return update;
  }

  private static void move(Adafactor.Step x, float[] means, int at, double[] sums, int count) {
    for (int i = 0; i < sums.length; i++) {
      means[at + i] = means[at + i] * x.beta2() + (float) (sums[i] / count) * x.toSquare();
    }
  }

  private static float inverseRoot(float value) {
    return 1 / (float) Math.sqrt(value);
  }
}
