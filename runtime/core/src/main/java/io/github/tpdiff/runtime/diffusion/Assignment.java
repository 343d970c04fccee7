package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jgrapht.alg.matching.KuhnMunkresMinimalWeightBipartitePerfectMatching;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleWeightedGraph;

/** The linear sum assignment: one column for each row, at the least total cost. */
public final class Assignment {
  private Assignment() {}

  /**
   * The column of each row. Among several best assignments it is the same one in every process:
   * rows are visited in order, not in that of a hash, which differs from process to process.
   *
   * @param cost square and finite
   * @throws IllegalArgumentException if it is not
   */
  public static int[] minimise(double[][] cost) {
    int n = cost.length;
    var graph = new SimpleWeightedGraph<Integer, DefaultWeightedEdge>(DefaultWeightedEdge.class);
    List<Integer> rows = IntStream.range(0, n).boxed().toList();
    List<Integer> columns = IntStream.range(n, 2 * n).boxed().toList();
    rows.forEach(graph::addVertex);
    columns.forEach(graph::addVertex);
    for (int i = 0; i < n; i++) {
      checkArgument(cost[i].length == n, "cost: expected %s columns, found %s", n, cost[i].length);
      for (int j = 0; j < n; j++) {
        checkArgument(Double.isFinite(cost[i][j]), "cost: must be finite, found %s", cost[i][j]);
        graph.setEdgeWeight(graph.addEdge(i, n + j), cost[i][j]);
      }
    }
    var matching =
        new KuhnMunkresMinimalWeightBipartitePerfectMatching<>(
                graph, new LinkedHashSet<>(rows), new LinkedHashSet<>(columns))
            .getMatching();
    int[] assigned = new int[n];
    for (DefaultWeightedEdge edge : matching) {
      assigned[graph.getEdgeSource(edge)] = graph.getEdgeTarget(edge) - n;
    }
    return assigned;
  }
}
