package io.github.tpdiff.weights;

import java.util.Collection;
import java.util.Optional;

/** The name most like a misspelt one, by Levenshtein distance. */
public final class NearestName {

  private NearestName() {}

  /** The nearest of {@code names}; empty if there are none. */
  public static Optional<String> of(String wanted, Collection<String> names) {
    String best = null;
    int bestDistance = Integer.MAX_VALUE;
    for (String name : names) {
      if (Math.abs(name.length() - wanted.length()) >= bestDistance) {
        continue;
      }
      int distance = distance(wanted, name);
      if (distance < bestDistance) {
        bestDistance = distance;
        best = name;
      }
    }
    return Optional.ofNullable(best);
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
