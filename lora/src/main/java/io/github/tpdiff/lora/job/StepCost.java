package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.cost.TrainingCostModel;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The FLOPs of an optimizer step, by the stage that its batches are of: what trainings are compared
 * at, whatever machine they run on. Nothing is counted as made again for want of memory, unless the
 * job says so.
 *
 * @param flops of a step all of whose batches are of a stage, by stage number
 * @param shares of the steps that visit it
 */
public record StepCost(Map<Integer, Double> flops, Map<Integer, Double> shares) {
  public StepCost {
    flops = Collections.unmodifiableMap(new TreeMap<>(flops));
    shares = Collections.unmodifiableMap(new TreeMap<>(shares));
  }

  /** Prices a job at the first of its sizes. */
  public static StepCost of(ResolvedJob job) {
    Component network = TrainingTarget.network(job.model(), job.denoiser());
    JobTarget target = job.target();
    Program program = target.injection().map(LoraInjection::program).orElse(network.program());
    var model =
        new TrainingCostModel(program, DryRun.sizes(target.held()), target.trainedTensors());
    var settings = job.job().train().settings();
    VideoSize size = job.sizes().get(0);
    var description = job.model().description();
    LatentShape shape = size.latentShape(description.latents(), job.diffusion().stages());
    StagePlan plan = job.diffusion().plan(shape.grid());
    var flops = new TreeMap<Integer, Double>();
    for (Stage stage : plan.stages()) {
      LatentShape own = shape.withGrid(stage.grid().size()).withBatch(settings.batches().size());
      double batch =
          model
              .price(
                  NetworkInputs.shapes(program, description.flow(), own),
                  settings.activations().keptBytes(() -> Long.MAX_VALUE))
              .work()
              .flops();
      flops.put(stage.number(), batch * settings.batches().accumulation());
    }
    return new StepCost(flops, job.diffusion().shares(plan));
  }

  /** Of a step, on the mean of many. */
  public double mean() {
    return flops.entrySet().stream()
        .mapToDouble(stage -> stage.getValue() * shares.getOrDefault(stage.getKey(), 0.0))
        .sum();
  }
}
