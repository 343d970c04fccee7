package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.GradientPaths.Version;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Bytes of the values between segments that are used at once in a step, if the others wait
 * elsewhere: forwards a value is there until its last reader has run; backwards its gradient is,
 * and the values that a segment reads are brought for it.
 */
final class LiveValues {
  private final GradientPaths paths;
  private final Map<Version, Integer> lastReader = new HashMap<>();

  LiveValues(GradientPaths paths) {
    this.paths = paths;
    List<Graph> segments = paths.program().segments();
    for (int i = 0; i < segments.size(); i++) {
      for (String input : segments.get(i).inputs().keySet()) {
        lastReader.put(paths.source(i, input), i);
      }
    }
    lastReader.put(paths.output(), segments.size());
  }

  /**
   * The most of a step.
   *
   * @param bytes of each value
   */
  long peakBytes(Map<Version, Long> bytes) {
    Program program = paths.program();
    long peak = 0;
    for (int i = 0; i < program.segments().size(); i++) {
      int segment = i;
      long live =
          bytes.entrySet().stream()
              .filter(value -> value.getKey().producer() <= segment)
              .filter(value -> lastReader.getOrDefault(value.getKey(), -1) >= segment)
              .mapToLong(Map.Entry::getValue)
              .sum();
      var read = new HashSet<Version>();
      program
          .segments()
          .get(i)
          .inputs()
          .keySet()
          .forEach(in -> read.add(paths.source(segment, in)));
      long brought = read.stream().mapToLong(version -> bytes.getOrDefault(version, 0L)).sum();
      peak = Math.max(peak, Math.addExact(live, brought));
    }
    return peak;
  }
}
