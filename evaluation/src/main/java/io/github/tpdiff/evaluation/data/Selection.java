package io.github.tpdiff.evaluation.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What came of a data set's entries.
 *
 * @param read how many there are
 * @param dropped how many are left out, by the first rule that they do not keep
 * @param kept how many are left
 */
public record Selection(int read, Map<String, Integer> dropped, int kept) {
  public Selection {
    dropped = Collections.unmodifiableMap(new LinkedHashMap<>(dropped));
  }

  /** A table for people, the rule that drops most first. */
  public List<String> table() {
    var lines = new ArrayList<String>();
    lines.add(line("entries", read));
    dropped.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .forEach(rule -> lines.add(line("  left out, " + rule.getKey(), rule.getValue())));
    lines.add(line("clips", kept));
    return lines;
  }

  private static String line(String what, int count) {
    return String.format(Locale.ROOT, "%-60s %8d", what, count);
  }
}
