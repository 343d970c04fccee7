package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Bytes of a program's frozen weights where it is trained.
 *
 * @param all of them
 * @param offloaded at most there at once where the weights that one segment alone reads are brought
 *     for it: those of the two largest segments, and what several read
 */
public record FrozenBytes(long all, long offloaded) {
  /**
   * Those of a program.
   *
   * @param sizes as they are held
   * @param trained names of the weights that are not frozen
   */
  public static FrozenBytes of(Program program, WeightSizes sizes, Set<String> trained) {
    Map<String, Value> weights = program.weights();
    var frozen = new HashSet<>(weights.keySet());
    frozen.removeAll(trained);
    var staying = new HashSet<>(frozen);
    var own = program.ownWeights(trained);
    own.forEach(staying::removeAll);
    long window =
        own.stream()
            .map(names -> bytes(names, weights, sizes))
            .sorted(Comparator.reverseOrder())
            .limit(2)
            .mapToLong(Long::longValue)
            .sum();
    return new FrozenBytes(bytes(frozen, weights, sizes), window + bytes(staying, weights, sizes));
  }

  private static long bytes(Set<String> names, Map<String, Value> weights, WeightSizes sizes) {
    long bytes = 0;
    for (var weight : weights.entrySet()) {
      if (names.contains(weight.getKey())) {
        long elements = weight.getValue().shape().elementCount().value();
        bytes = Math.addExact(bytes, sizes.bytes(weight.getKey(), elements));
      }
    }
    return bytes;
  }
}
