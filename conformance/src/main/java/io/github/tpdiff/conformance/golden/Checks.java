package io.github.tpdiff.conformance.golden;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Compares results with the {@code out.} tensors of a case and keeps what it found. Outputs that
 * nobody compared count as failures.
 */
public final class Checks {
  private final TensorSource expected;
  private final GoldenCase golden;
  private final List<Difference> differences = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final Set<String> compared = new HashSet<>();

  public Checks(GoldenCase golden) {
    this.expected = golden.tensors();
    this.golden = golden;
  }

  /** Compares a result with {@code out.<output>}, shape included. */
  public void compare(String output, Tensor actual) {
    compareWhere(output, actual, i -> true);
  }

  /** Compares the elements that {@code specified} picks by their row-major index. */
  public void compareWhere(String output, Tensor actual, IntPredicate specified) {
    TensorInfo info = expected.require("out." + output);
    if (!Arrays.equals(Values.shape(info), actual.shape())) {
      compared.add(info.name());
      fail(info.name() + ": expected shape " + info.shape() + ", found " + actual);
      return;
    }
    compareValues(output, Values.doubles(actual), specified);
  }

  /** Compares numbers with {@code out.<output>}, integers if that is what it holds. */
  public void compare(String output, double[] actual) {
    compareValues(output, actual, i -> true);
  }

  /** Compares integers, which must be equal. */
  public void compare(String output, long[] actual) {
    String name = "out." + output;
    if (expected.require(name).dtype().isFloating()) {
      compareValues(output, Arrays.stream(actual).asDoubleStream().toArray(), i -> true);
      return;
    }
    compared.add(name);
    long[] reference = Values.longs(expected, name);
    if (actual.length != reference.length) {
      failCount(name, reference.length, actual.length);
      return;
    }
    boolean equal = Arrays.equals(actual, reference);
    double worst =
        IntStream.range(0, actual.length)
            .mapToDouble(i -> Math.abs((double) actual[i] - reference[i]))
            .max()
            .orElse(0);
    differences.add(new Difference(name, worst, worst, equal));
  }

  private void compareValues(String output, double[] actual, IntPredicate specified) {
    String name = "out." + output;
    if (!expected.require(name).dtype().isFloating()) {
      compareIntegral(output, actual);
      return;
    }
    compared.add(name);
    double[] reference = Values.doubles(expected, name);
    if (actual.length != reference.length) {
      failCount(name, reference.length, actual.length);
      return;
    }
    int[] indices = IntStream.range(0, reference.length).filter(specified).toArray();
    differences.add(
        Difference.relative(
            name, pick(actual, indices), pick(reference, indices), golden.limits()));
  }

  private void compareIntegral(String output, double[] actual) {
    for (double value : actual) {
      if (value != Math.rint(value)) {
        compared.add("out." + output);
        fail("out." + output + ": expected integers, found " + value);
        return;
      }
    }
    compare(output, Arrays.stream(actual).mapToLong(value -> (long) value).toArray());
  }

  /**
   * Compares a group of tensors together with absolute limits.
   *
   * @param group names of outputs and their results
   */
  public void compareTogether(String label, List<Result> group, AbsoluteLimits absolute) {
    double largest = 0;
    double squares = 0;
    long count = 0;
    for (Result result : group) {
      String name = "out." + result.output();
      compared.add(name);
      double[] reference = Values.doubles(expected, name);
      if (reference.length != result.values().length) {
        failCount(name, reference.length, result.values().length);
        return;
      }
      var sums = Difference.Sums.of(result.values(), reference);
      largest = Math.max(largest, sums.largest());
      squares += sums.squares();
      count += reference.length;
    }
    double rms = count == 0 ? 0 : Math.sqrt(squares / count);
    boolean passed = largest <= absolute.max() && rms <= absolute.rms();
    differences.add(new Difference("out." + label, largest, rms, passed));
  }

  /** Compares a result [1, C, H, W] with {@code out.<output>}, in units of its channels' levels. */
  public void compareLevels(String output, Tensor actual, LevelLimits limits) {
    TensorInfo info = expected.require("out." + output);
    compared.add(info.name());
    if (!Arrays.equals(Values.shape(info), actual.shape())) {
      fail(info.name() + ": expected shape " + info.shape() + ", found " + actual);
      return;
    }
    double[] found = inLevels(Values.doubles(actual), limits.levels());
    double[] reference = inLevels(Values.doubles(expected, info.name()), limits.levels());
    var sums = Difference.Sums.of(found, reference);
    double mean =
        IntStream.range(0, found.length)
            .mapToDouble(i -> Math.abs(found[i] - reference[i]))
            .average()
            .orElse(0);
    double rms = found.length == 0 ? 0 : Math.sqrt(sums.squares() / found.length);
    boolean passed = sums.largest() <= limits.max() && mean <= limits.mean();
    differences.add(new Difference(info.name(), sums.largest(), rms, passed));
  }

  private static double[] inLevels(double[] values, List<Double> levels) {
    int plane = Math.max(1, values.length / levels.size());
    return IntStream.range(0, values.length)
        .mapToDouble(i -> values[i] / levels.get(i / plane))
        .toArray();
  }

  /**
   * Limits in units of levels.
   *
   * @param levels by how much a level changes a value, in each channel or in all
   * @param max most levels between two values
   * @param mean most levels between them on average
   */
  public record LevelLimits(List<Double> levels, double max, double mean) {
    public LevelLimits {
      levels = List.copyOf(levels);
    }
  }

  /** An output's name and what was computed for it. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared as a whole
  public record Result(String output, double[] values) {}

  /** Limits on differences as they are, not relative to anything. */
  public record AbsoluteLimits(double max, double rms) {}

  /** Says that an output is settled by something other than comparing its numbers. */
  public void settled(String output) {
    compared.add("out." + output);
  }

  /** Records that something holds which is no difference of numbers, such as a refused file. */
  public void holds(String what) {
    differences.add(new Difference(what, 0, 0, true));
  }

  /** Records a failure that is no difference of numbers, in one line. */
  public void fail(String message) {
    failures.add(message);
  }

  private void failCount(String name, int expectedCount, int found) {
    fail(name + ": expected " + expectedCount + " values, found " + found);
  }

  /** What was found, with a failure for every output that was not compared. */
  public Outcome outcome() {
    var all = new ArrayList<>(failures);
    expected.names().stream()
        .filter(name -> name.startsWith("out.") && !compared.contains(name))
        .map(name -> name + ": was not computed")
        .forEach(all::add);
    if (differences.isEmpty() && all.isEmpty()) {
      all.add("nothing was compared");
    }
    return new Outcome(differences, all);
  }

  private static double[] pick(double[] values, int[] indices) {
    return IntStream.of(indices).mapToDouble(i -> values[i]).toArray();
  }
}
