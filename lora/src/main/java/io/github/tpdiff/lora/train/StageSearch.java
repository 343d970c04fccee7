package io.github.tpdiff.lora.train;

import com.google.common.collect.HashMultiset;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlanner;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;

/**
 * What was weighed of a user's clips, and what came of it.
 *
 * @param planner that weighed
 * @param excess how many times the checkpoint's own loss that of a stage may be; empty without a
 *     probe
 * @param candidates all
 * @param probed the losses of those that were
 * @param chosen of them
 */
public record StageSearch(
    StagePlanner planner,
    OptionalDouble excess,
    List<Candidate> candidates,
    Map<Candidate, StageLosses> probed,
    Candidate chosen) {
  /**
   * The cheapest over time, over space, and over both. A probe runs the network for minutes where
   * it is large, and where it fails along some axes the next cheapest along the same often does.
   */
  public static final int MOST_PROBED = 3;

  public StageSearch {
    candidates = List.copyOf(candidates);
    probed = Collections.unmodifiableMap(new LinkedHashMap<>(probed));
  }

  /** The cheapest that loses no more than the planner's budget. */
  public static StageSearch byInformation(StagePlanner planner, List<Candidate> candidates) {
    return new StageSearch(
        planner, OptionalDouble.empty(), candidates, Map.of(), planner.choose(candidates));
  }

  /**
   * Of the cheapest that lose no more than the planner's budget the first that is near enough to
   * what the checkpoint knows; one stage if none of them is.
   *
   * @param candidates of which one stage is the first
   * @param probe of a configuration, with the checkpoint's own losses
   */
  public static StageSearch byProbe(
      StagePlanner planner,
      List<Candidate> candidates,
      double excess,
      Function<StageConfig, StageLosses> probe) {
    var probed = new LinkedHashMap<Candidate, StageLosses>();
    var tried = HashMultiset.<Set<GridAxis>>create();
    Candidate chosen = candidates.get(0);
    for (Candidate candidate : planner.open(candidates)) {
      if (candidate.stages().stages() == 1) {
        break;
      }
      if (tried.add(axes(candidate), 1) >= MOST_PROBED) {
        continue;
      }
      StageLosses losses = probe.apply(candidate.stages());
      probed.put(candidate, losses);
      if (losses.mostExcess() <= excess) {
        chosen = candidate;
        break;
      }
    }
    return new StageSearch(planner, OptionalDouble.of(excess), candidates, probed, chosen);
  }

  private static Set<GridAxis> axes(Candidate candidate) {
    var axes = EnumSet.allOf(GridAxis.class);
    axes.removeIf(axis -> candidate.stages().largestStrides().along(axis) == 1);
    return axes;
  }

  /** What was chosen, with the positions that its probe found best. */
  public StageConfig stages() {
    return losses(chosen)
        .map(losses -> chosen.stages().withPositions(losses.best()))
        .orElse(chosen.stages());
  }

  public Optional<StageLosses> losses(Candidate candidate) {
    return Optional.ofNullable(probed.get(candidate));
  }
}
