package io.github.tpdiff.lora.job;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The FLOPs of an optimizer step, by the stage that its batches are of: what trainings are compared
 * at, whatever machine they run on. Nothing is counted as made again for want of memory, unless the
 * job says so.
 *
 * @param flops of a step all of whose batches are of a stage, by its number; of those that are
 *     visited
 * @param shares of the steps that visit it
 */
public record StepCost(Map<Integer, Double> flops, Map<Integer, Double> shares) {
  public StepCost {
    flops = Collections.unmodifiableMap(new TreeMap<>(flops));
    shares = Collections.unmodifiableMap(new TreeMap<>(shares));
  }

  /** Prices a job at the first of its sizes. */
  public static StepCost of(ResolvedJob job) {
    StepPricing pricing = StepPricing.of(job);
    var settings = job.job().train().settings();
    long kept = settings.activations().keptBytes(() -> Long.MAX_VALUE);
    var flops = new TreeMap<Integer, Double>();
    var shares = new TreeMap<Integer, Double>();
    for (StepPricing.Visit visit : pricing.visits(Map.of(job.sizes().get(0), 1.0))) {
      if (visit.share() > 0) {
        double batch = pricing.price(visit, kept).work().flops();
        flops.put(visit.stage(), batch * settings.batches().accumulation());
        shares.put(visit.stage(), visit.share());
      }
    }
    return new StepCost(flops, shares);
  }

  /** Of a step, on the mean of many. */
  public double mean() {
    return flops.entrySet().stream()
        .mapToDouble(stage -> stage.getValue() * shares.getOrDefault(stage.getKey(), 0.0))
        .sum();
  }
}
