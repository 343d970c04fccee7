package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.diffusion.PositionRules;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What a network predicts in the stages of a pyramid that it was not trained for: its mean loss in
 * each, at the same noises and times whatever it is told. All are squared errors of what it
 * predicts in its own diffusion, so that stages and that compare.
 *
 * @param staged by the rules of positions that it was told, the first scaled; then by stage number,
 *     those that were tried, the coarsest first
 * @param vanilla of its own diffusion, at the times of each stage; empty if it was not tried
 */
public record StageLosses(
    Map<PositionRules, Map<Integer, Double>> staged, Map<Integer, Double> vanilla) {
  public StageLosses {
    staged = Collections.unmodifiableMap(new LinkedHashMap<>(staged));
    vanilla = Collections.unmodifiableMap(new LinkedHashMap<>(vanilla));
  }

  /** The rules of the least sum over the stages; among equals the first, scaled if none is. */
  public PositionRules best() {
    return staged.keySet().stream()
        .min(Comparator.comparingDouble(this::sum))
        .orElseGet(PositionRules::scaled);
  }

  /** The sum over the stages under some rules. */
  public double sum(PositionRules rules) {
    return of(rules).values().stream().mapToDouble(Double::doubleValue).sum();
  }

  /**
   * The mean loss of each stage under some rules.
   *
   * @throws NullPointerException if they were not tried
   */
  public Map<Integer, Double> of(PositionRules rules) {
    return Objects.requireNonNull(staged.get(rules));
  }

  /**
   * How far each stage is from what the network knows: its loss there over that of its own
   * diffusion at the same times, under the best rules; 1 where a stage is nothing new.
   */
  public Map<Integer, Double> excess() {
    var excess = new LinkedHashMap<Integer, Double>();
    vanilla.forEach(
        (stage, own) -> excess.put(stage, Objects.requireNonNull(of(best()).get(stage)) / own));
    return excess;
  }

  /** The largest excess of a stage; 1 without stages to compare. */
  public double mostExcess() {
    return excess().values().stream().mapToDouble(Double::doubleValue).max().orElse(1);
  }
}
