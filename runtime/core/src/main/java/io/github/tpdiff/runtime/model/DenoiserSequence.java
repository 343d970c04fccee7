package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.GuidancePlan;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.PredictionReuse;
import io.github.tpdiff.runtime.diffusion.SamplerStep;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * The denoisers of a model under the conditions of one clip, each asked at its own times and in
 * memory only while it is.
 *
 * <p>With guidance, both predictions are one pass over a batch where that pays, memory allows it
 * and every step needs both, two elsewhere.
 */
public final class DenoiserSequence implements Denoiser, AutoCloseable {
  private final PipelineParts parts;
  private final List<Conditions> conditions;
  private final Acceleration acceleration;
  private final LatentShape largest;
  private Optional<Open> open = Optional.empty();

  /**
   * What not every step asks for.
   *
   * @param guidance where it takes part
   * @param reuse of predictions
   */
  public record Acceleration(GuidancePlan guidance, Optional<PredictionReuse> reuse) {}

  /** Where a prediction is asked. */
  private record Place(int stage, StageGrid grid) {}

  private record Open(
      Flow.Expert expert, DenoiserSession network, ConditionedNetwork conditioned, boolean together)
      implements AutoCloseable {
    @Override
    public void close() {
      conditioned.close();
      network.close();
    }
  }

  /**
   * @param conditions of the prompt, and of its negative if guidance needs it
   * @param acceleration what each denoiser of the model is asked
   * @param largest shape of the latents in any stage
   */
  public DenoiserSequence(
      PipelineParts parts,
      List<Conditions> conditions,
      Acceleration acceleration,
      LatentShape largest) {
    this.parts = parts;
    this.conditions = List.copyOf(conditions);
    this.acceleration = acceleration;
    this.largest = largest;
  }

  /** The prediction in the last stage. */
  @Override
  public Latents predict(Latents x, double timestep, StageGrid grid) {
    return predict(x, timestep, new Place(1, grid), (branch, network) -> network.get());
  }

  @Override
  public Prediction in(Stage stage, List<SamplerStep> steps) {
    var place = new Place(stage.number(), stage.grid());
    PredictionReuse.OfStage reuse =
        acceleration.reuse().orElseGet(PredictionReuse::none).in(stage, steps);
    var asked = new AtomicInteger();
    return (x, timestep) -> {
      int step = asked.getAndIncrement();
      return predict(
          x, timestep, place, (branch, network) -> reuse.prediction(step, branch, network));
    };
  }

  /** Computes a prediction of a branch, or takes an earlier one. */
  private interface Branches {
    Latents of(int branch, Supplier<Latents> network);
  }

  private Latents predict(Latents x, double timestep, Place place, Branches branches) {
    Open own = at(timestep);
    Guidance guidance = acceleration.guidance().at(indexOf(own.expert()), place.stage(), timestep);
    ConditionedNetwork network = own.conditioned();
    if (own.together()) {
      return guidance.combine(network.predict(x, timestep, place.grid()));
    }
    int count = guidance.needsUnconditional() ? 2 : 1;
    return guidance.combine(
        IntStream.range(0, count)
            .mapToObj(i -> branches.of(i, () -> network.predict(i, x, timestep, place.grid())))
            .toList());
  }

  private Open at(double timestep) {
    Flow.Expert expert = parts.description().flow().expert(timestep);
    if (open.isEmpty() || !open.get().expert().equals(expert)) {
      close();
      open = Optional.of(open(expert));
    }
    return open.get();
  }

  private int indexOf(Flow.Expert expert) {
    return parts.description().flow().denoisers().indexOf(expert);
  }

  private Open open(Flow.Expert expert) {
    DenoiserSession network = DenoiserSession.of(parts, expert.component());
    GuidancePlan guidance = acceleration.guidance();
    boolean both = guidance.needsUnconditional(indexOf(expert));
    List<Conditions> needed = both ? conditions : conditions.subList(0, 1);
    int clips = largest.batch() * needed.size();
    boolean together =
        both
            && guidance.isSame()
            && acceleration.reuse().isEmpty()
            && parts.batchesPay()
            && parts.allows(expert.component(), largest.withBatch(clips));
    ConditionedNetwork conditioned =
        together
            ? ConditionedNetwork.together(network, expert.component(), needed)
            : ConditionedNetwork.inTurn(network, expert.component(), needed);
    return new Open(expert, network, conditioned, together);
  }

  /** Frees what is in memory. */
  @Override
  public void close() {
    open.ifPresent(Open::close);
    open = Optional.empty();
  }
}
