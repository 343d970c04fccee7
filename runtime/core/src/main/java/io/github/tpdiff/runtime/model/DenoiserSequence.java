package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import java.util.List;
import java.util.Optional;

/**
 * The denoisers of a model under the conditions of one clip, each asked at its own times and in
 * memory only while it is.
 *
 * <p>With guidance, both predictions are one pass over a batch where memory allows it, two where it
 * does not.
 */
public final class DenoiserSequence implements Denoiser, AutoCloseable {
  private final PipelineParts parts;
  private final List<Conditions> conditions;
  private final List<Guidance> guidance;
  private final LatentShape largest;
  private Optional<Open> open = Optional.empty();

  private record Open(
      Flow.Expert expert,
      DenoiserSession network,
      ConditionedNetwork conditioned,
      Denoiser denoiser)
      implements AutoCloseable {
    @Override
    public void close() {
      conditioned.close();
      network.close();
    }
  }

  /**
   * @param conditions of the prompt, and of its negative if guidance needs it
   * @param guidance of each denoiser of the model
   * @param largest shape of the latents in any stage
   */
  public DenoiserSequence(
      PipelineParts parts,
      List<Conditions> conditions,
      List<Guidance> guidance,
      LatentShape largest) {
    this.parts = parts;
    this.conditions = List.copyOf(conditions);
    this.guidance = List.copyOf(guidance);
    this.largest = largest;
  }

  @Override
  public Latents predict(Latents x, double timestep, StageGrid grid) {
    return at(timestep).predict(x, timestep, grid);
  }

  private Denoiser at(double timestep) {
    Flow flow = parts.description().flow();
    Flow.Expert expert = flow.expert(timestep);
    if (open.isEmpty() || !open.get().expert().equals(expert)) {
      close();
      open = Optional.of(open(expert, guidance.get(flow.denoisers().indexOf(expert))));
    }
    return open.get().denoiser();
  }

  private Open open(Flow.Expert expert, Guidance guidance) {
    DenoiserSession network = DenoiserSession.of(parts, expert.component());
    List<Conditions> needed = guidance.needsUnconditional() ? conditions : conditions.subList(0, 1);
    int clips = largest.batch() * needed.size();
    ConditionedNetwork conditioned =
        needed.size() > 1 && parts.allows(expert.component(), largest.withBatch(clips))
            ? ConditionedNetwork.together(network, expert.component(), needed)
            : ConditionedNetwork.inTurn(network, expert.component(), needed);
    return new Open(expert, network, conditioned, conditioned.guided(guidance));
  }

  /** Frees what is in memory. */
  @Override
  public void close() {
    open.ifPresent(Open::close);
    open = Optional.empty();
  }
}
