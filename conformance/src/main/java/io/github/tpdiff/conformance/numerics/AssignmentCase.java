package io.github.tpdiff.conformance.numerics;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.Assignment;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Kind {@code assignment}: least total cost always, the columns only where one assignment is best.
 */
public final class AssignmentCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      double[][] cost = cost(run);
      int[] columns = Assignment.minimise(cost);
      if (Arrays.stream(columns).distinct().count() != cost.length) {
        checks.fail(run.prefix() + "assignment: is no permutation");
      }
      double total = IntStream.range(0, cost.length).mapToDouble(i -> cost[i][columns[i]]).sum();
      checks.compare(run.prefix() + "total", new double[] {total});
      if (run.args().flag("unique")) {
        checks.compare(
            run.prefix() + "assignment", Arrays.stream(columns).asLongStream().toArray());
      } else {
        checks.settled(run.prefix() + "assignment");
      }
    }
  }

  private static double[][] cost(GoldenRun run) {
    String from = run.args().findText("from").orElse("cost");
    return switch (from) {
      case "cost" -> rows(run, "cost");
      case "clips" -> squaredDistances(run);
      default ->
          throw new CaseException("args.runs.from: expected cost or clips, found '" + from + "'");
    };
  }

  private static double[][] squaredDistances(GoldenRun run) {
    double[][] clips = rows(run, "clips");
    double[][] noises = rows(run, "noise");
    return Arrays.stream(clips)
        .map(clip -> Arrays.stream(noises).mapToDouble(noise -> distance(clip, noise)).toArray())
        .toArray(double[][]::new);
  }

  private static double distance(double[] left, double[] right) {
    return IntStream.range(0, left.length)
        .mapToDouble(i -> (left[i] - right[i]) * (left[i] - right[i]))
        .sum();
  }

  private static double[][] rows(GoldenRun run, String input) {
    String name = run.inputName(input);
    int count = run.golden().tensors().require(name).shape().get(0).intValue();
    double[] values = Values.doubles(run.golden().tensors(), name);
    int width = values.length / count;
    return IntStream.range(0, count)
        .mapToObj(i -> Arrays.copyOfRange(values, i * width, (i + 1) * width))
        .toArray(double[][]::new);
  }
}
