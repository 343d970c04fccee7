package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.BoundDenoiser;
import io.github.tpdiff.runtime.pipeline.PipelineParts;
import io.github.tpdiff.runtime.pipeline.Role;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** One engine with the model loaded, timed staged and vanilla. */
final class EngineBench implements AutoCloseable {
  private final Executable network;
  private final BoundDenoiser denoiser;
  private final List<Double> staged = new ArrayList<>();
  private final List<Double> vanilla = new ArrayList<>();

  private EngineBench(Executable network, BoundDenoiser denoiser) {
    this.network = network;
    this.denoiser = denoiser;
  }

  /** Loads the model and hands it the prompt. */
  static EngineBench load(PipelineParts parts, Map<String, Tensor> prompt) {
    Map<String, Tensor> conditioned;
    try (Executable conditioning = parts.load(Role.CONDITIONING)) {
      conditioned = conditioning.run(prompt);
    }
    Executable network = parts.load(Role.DENOISER);
    return new EngineBench(network, BoundDenoiser.bind(network, conditioned));
  }

  BoundDenoiser denoiser() {
    return denoiser;
  }

  void runStaged(StagedSampler sampler, LatentShape shape) {
    staged.add(seconds(sampler, shape));
  }

  void runVanilla(StagedSampler sampler, LatentShape shape) {
    vanilla.add(seconds(sampler, shape));
  }

  private double seconds(StagedSampler sampler, LatentShape shape) {
    long start = System.nanoTime();
    sampler.sample(shape, denoiser, NoiseSource.seeded(0), StageListener.silent());
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
    denoiser.close();
    network.close();
  }
}
