package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlanner;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Candidate;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
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
  /** Of the cheapest. A probe runs the network for minutes where it is large. */
  public static final int MOST_PROBED = 6;

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
   */
  public static StageSearch byProbe(
      StagePlanner planner,
      List<Candidate> candidates,
      double excess,
      Function<StageConfig, StageLosses> probe) {
    var probed = new LinkedHashMap<Candidate, StageLosses>();
    Candidate chosen = candidates.get(0);
    for (Candidate candidate : planner.open(candidates)) {
      if (candidate.stages().stages() == 1 || probed.size() == MOST_PROBED) {
        break;
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
