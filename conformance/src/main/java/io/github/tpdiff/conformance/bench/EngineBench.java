package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.pipeline.BoundDenoiser;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One engine with the model loaded, timed staged and vanilla. */
final class EngineBench implements AutoCloseable {
  private final Executable network;
  private final BoundDenoiser denoiser;
  private final LatentShape shape;
  private final double firstOutputSeconds;
  private final List<Double> staged = new ArrayList<>();
  private final List<Double> vanilla = new ArrayList<>();

  private EngineBench(
      Executable network, BoundDenoiser denoiser, LatentShape shape, double firstOutputSeconds) {
    this.network = network;
    this.denoiser = denoiser;
    this.shape = shape;
    this.firstOutputSeconds = firstOutputSeconds;
  }

  /** Loads the model and predicts once at the coarsest stage's size. */
  static EngineBench load(Engine engine, BenchModel model, StagePlan plan, LatentShape shape) {
    long start = System.nanoTime();
    var prompt = model.condition(engine);
    Executable network = engine.load(model.denoiser().program(), model.denoiser().weights());
    BoundDenoiser denoiser = BoundDenoiser.bind(network, prompt);
    Stage first = plan.stages().get(0);
    denoiser.predict(Latents.zeros(shape.withFrames(first.frames())), 1000, first.positions());
    return new EngineBench(network, denoiser, shape, (System.nanoTime() - start) / 1e9);
  }

  /** The prediction for the same noise on every engine. */
  Latents predict(Stage stage, double timestep) {
    Latents noise = NoiseSource.seeded(2).draw(shape.withFrames(stage.frames()));
    return denoiser.predict(noise, timestep, stage.positions());
  }

  void runStaged(StagedSampler sampler) {
    staged.add(seconds(sampler));
  }

  void runVanilla(StagedSampler sampler) {
    vanilla.add(seconds(sampler));
  }

  private double seconds(StagedSampler sampler) {
    long start = System.nanoTime();
    sampler.sample(shape, denoiser, NoiseSource.seeded(0), StageListener.silent());
    return (System.nanoTime() - start) / 1e9;
  }

  double stagedSeconds() {
    return median(staged);
  }

  double vanillaSeconds() {
    return median(vanilla);
  }

  /** Vanilla over staged, of rounds that ran side by side. */
  double speedUp() {
    var ratios = new ArrayList<Double>();
    for (int i = 0; i < staged.size(); i++) {
      ratios.add(vanilla.get(i) / staged.get(i));
    }
    return median(ratios);
  }

  double firstOutputSeconds() {
    return firstOutputSeconds;
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
