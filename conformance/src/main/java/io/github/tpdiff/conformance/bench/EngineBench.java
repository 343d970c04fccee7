package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.PipelineParts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One engine with the model loaded, timed staged and vanilla. */
final class EngineBench implements AutoCloseable {
  private final DenoiserSession network;
  private final ConditionedNetwork conditioned;
  private final List<Double> staged = new ArrayList<>();
  private final List<Double> vanilla = new ArrayList<>();

  private EngineBench(DenoiserSession network, ConditionedNetwork conditioned) {
    this.network = network;
    this.conditioned = conditioned;
  }

  /** The model on an engine, which loads it with the first prediction. */
  static EngineBench open(PipelineParts parts, Conditions conditions) {
    String denoiser = parts.description().denoiser();
    DenoiserSession network = DenoiserSession.of(parts, denoiser);
    return new EngineBench(
        network, ConditionedNetwork.inTurn(network, denoiser, List.of(conditions)));
  }

  /** One prediction at full frame rate. */
  void predict(StagePlan plan, LatentShape shape) {
    Stage last = plan.stages().get(plan.stages().size() - 1);
    double timestep = plan.schedule().timestep(last.start());
    conditioned.denoiser().predict(Latents.zeros(shape), timestep, last.grid());
  }

  void runStaged(StagedSampler sampler, LatentShape shape) {
    staged.add(seconds(sampler, shape));
  }

  void runVanilla(StagedSampler sampler, LatentShape shape) {
    vanilla.add(seconds(sampler, shape));
  }

  private double seconds(StagedSampler sampler, LatentShape shape) {
    long start = System.nanoTime();
    sampler.sample(shape, conditioned.denoiser(), NoiseSource.seeded(0), StageListener.silent());
    return (System.nanoTime() - start) / 1e9;
  }

  /** What the rounds took. */
  BenchResult.Sampling sampling(double predicted) {
    return new BenchResult.Sampling(median(staged), median(vanilla), speedUp(), predicted);
  }

  /** Vanilla over staged, of rounds that ran side by side. */
  private double speedUp() {
    var ratios = new ArrayList<Double>();
    for (int i = 0; i < staged.size(); i++) {
      ratios.add(vanilla.get(i) / staged.get(i));
    }
    return median(ratios);
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : Arrays.stream(sorted, middle - 1, middle + 1).average().orElse(0);
  }

  @Override
  public void close() {
    conditioned.close();
    network.close();
  }
}
