package io.github.tpdiff.conformance.golden;

import java.util.ArrayList;
import java.util.List;

/**
 * What running a case gave.
 *
 * @param differences one for each compared tensor
 * @param failures what else went wrong, one line each
 */
public record Outcome(List<Difference> differences, List<String> failures) {
  public Outcome {
    differences = List.copyOf(differences);
    failures = List.copyOf(failures);
  }

  /** A case that could not be run. */
  public static Outcome failed(String why) {
    return new Outcome(List.of(), List.of(why));
  }

  public boolean passed() {
    return failures.isEmpty() && differences.stream().allMatch(Difference::passed);
  }

  /** The largest error of any tensor. */
  public double maxError() {
    return differences.stream().mapToDouble(Difference::max).max().orElse(0);
  }

  /** The largest root mean square error of any tensor. */
  public double rmsError() {
    return differences.stream().mapToDouble(Difference::rms).max().orElse(0);
  }

  /** Why it failed, a line each; empty if it passed. */
  public List<String> reasons() {
    var reasons = new ArrayList<>(failures);
    differences.stream()
        .filter(difference -> !difference.passed())
        .map(
            d ->
                d.tensor()
                    + ": max "
                    + Limits.number(d.max())
                    + ", rms "
                    + Limits.number(d.rms())
                    + " is over the tolerance")
        .forEach(reasons::add);
    return reasons;
  }
}
