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
import java.util.List;

/** One engine with the model loaded, timed vanilla and in stages. */
final class EngineBench implements AutoCloseable {
  private final DenoiserSession network;
  private final ConditionedNetwork conditioned;

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

  /** One prediction on the full grid, at the time of a plan's last stage. */
  void predict(StagePlan plan, LatentShape shape) {
    Stage last = plan.stages().get(plan.stages().size() - 1);
    double timestep = plan.schedule().timestep(last.start());
    conditioned.denoiser().predict(Latents.zeros(shape), timestep, last.grid());
  }

  /** What sampling a clip takes, in seconds. */
  double seconds(StagedSampler sampler, LatentShape shape) {
    long start = System.nanoTime();
    sampler.sample(shape, conditioned.denoiser(), NoiseSource.seeded(0), StageListener.silent());
    return (System.nanoTime() - start) / 1e9;
  }

  @Override
  public void close() {
    conditioned.close();
    network.close();
  }
}
