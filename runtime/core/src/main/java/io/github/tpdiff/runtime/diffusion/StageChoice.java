package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What is asked of a pyramid. Whatever is left open is as the weights were trained, and where
 * nothing says what they were trained for, the default: one stage, or the number asked for.
 *
 * <p>The number of stages is a claim and not a wish: weights that were trained for another number
 * are refused. The other choices replace those of the training one by one, and are named when they
 * differ, since every prediction is scaled and timed by them. Shares of the steps are free.
 *
 * @param count the number of stages
 * @param rates as in {@link StageConfig}; empty to leave them open
 * @param boundaries as in {@link StageConfig}; empty to leave them open
 * @param stepSplit as in {@link StageConfig}; empty to leave it open
 * @param downsampling how frames are dropped
 * @param upsampling how frames are repeated
 * @param spaceDownsampling how rows and columns are dropped
 * @param spaceUpsampling how rows and columns are repeated
 * @param targets what a stage's clean latents are
 * @param positions which positions the network is told
 * @param targetScale the scale of the flow-matching target
 * @param ends how far a stage goes that another follows
 */
public record StageChoice(
    OptionalInt count,
    List<GridFactor> rates,
    List<Double> boundaries,
    List<Integer> stepSplit,
    Optional<Downsampling> downsampling,
    Optional<Upsampling> upsampling,
    Optional<Downsampling> spaceDownsampling,
    Optional<Upsampling> spaceUpsampling,
    Optional<Targets> targets,
    Optional<PositionRules> positions,
    Optional<TargetScale> targetScale,
    Optional<Ends> ends) {

  /**
   * @throws IllegalArgumentException if the number of rates and of stages contradict each other
   */
  public StageChoice {
    rates = List.copyOf(rates);
    boundaries = List.copyOf(boundaries);
    stepSplit = List.copyOf(stepSplit);
    checkArgument(
        count.isEmpty() || rates.isEmpty() || count.getAsInt() == rates.size() + 1,
        "stages.rates: expected %s values for %s stages, found %s",
        count.orElse(1) - 1,
        count.orElse(1),
        rates);
  }

  /** Everything as the weights were trained. */
  public static StageChoice asTrained() {
    return open(OptionalInt.empty());
  }

  /** So many stages, and everything else open. */
  public static StageChoice count(int stages) {
    return open(OptionalInt.of(stages));
  }

  /** Shares of the steps, and everything else as the weights were trained. */
  public static StageChoice stepSplit(List<Integer> shares) {
    StageChoice open = asTrained();
    return new StageChoice(
        open.count,
        open.rates,
        open.boundaries,
        shares,
        open.downsampling,
        open.upsampling,
        open.spaceDownsampling,
        open.spaceUpsampling,
        open.targets,
        open.positions,
        open.targetScale,
        open.ends);
  }

  /** The same with so many stages where neither their number nor rates are said. */
  public StageChoice orCount(int stages) {
    return count.isPresent() || !rates.isEmpty()
        ? this
        : new StageChoice(
            OptionalInt.of(stages),
            rates,
            boundaries,
            stepSplit,
            downsampling,
            upsampling,
            spaceDownsampling,
            spaceUpsampling,
            targets,
            positions,
            targetScale,
            ends);
  }

  private static StageChoice open(OptionalInt count) {
    return new StageChoice(
        count,
        List.of(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** All that a configuration says; what becomes of the first frame is the model's to say. */
  public static StageChoice of(StageConfig config) {
    return new StageChoice(
        OptionalInt.of(config.stages()),
        config.rates(),
        config.boundaries(),
        config.stepSplit(),
        Optional.of(config.resampling().downsampling()),
        Optional.of(config.resampling().upsampling()),
        Optional.of(config.space().downsampling()),
        Optional.of(config.space().upsampling()),
        Optional.of(config.targets()),
        Optional.of(config.positions()),
        Optional.of(config.targetScale()),
        Optional.of(config.ends()));
  }

  /**
   * What a choice comes to.
   *
   * @param stages the pyramid
   * @param differences from what the weights were trained for, each a text for users such as {@code
   *     boundaries [0.7, 0.4], trained with [0.8, 0.5]}
   */
  public record Decided(StageConfig stages, List<String> differences) {
    public Decided {
      differences = List.copyOf(differences);
    }
  }

  /**
   * Decides what is left open.
   *
   * @param trained what the weights were trained or exported for, if anything says so
   * @param vanilla the model's own diffusion, one stage
   * @throws IllegalArgumentException if the weights were trained for another number of stages, or
   *     the values do not go together
   */
  public Decided decide(Optional<StageConfig> trained, StageConfig vanilla) {
    OptionalInt asked = rates.isEmpty() ? count : OptionalInt.of(rates.size() + 1);
    trained.ifPresent(
        config ->
            checkArgument(
                asked.isEmpty() || asked.getAsInt() == config.stages(),
                "stages: these weights were made for %s, found %s; leave the number out, or use"
                    + " weights made for it",
                config.stages(),
                asked.orElse(0)));
    StageConfig base =
        trained.orElseGet(
            () ->
                StageConfig.pyramid(asked.orElse(1), vanilla.resampling())
                    .withTargetScale(vanilla.targetScale()));
    StageConfig stages = over(base);
    return new Decided(stages, trained.map(own -> differences(own, stages)).orElse(List.of()));
  }

  private StageConfig over(StageConfig base) {
    FrameResampling own = base.resampling();
    return new StageConfig(
        rates.isEmpty() ? base.rates() : rates,
        boundaries.isEmpty() ? base.boundaries() : boundaries,
        stepSplit.isEmpty() ? base.stepSplit() : stepSplit,
        new FrameResampling(
            downsampling.orElse(own.downsampling()),
            upsampling.orElse(own.upsampling()),
            own.firstFrame()),
        new SpaceResampling(
            spaceDownsampling.orElse(base.space().downsampling()),
            spaceUpsampling.orElse(base.space().upsampling())),
        targets.orElse(base.targets()),
        positions.orElse(base.positions()),
        targetScale.orElse(base.targetScale()),
        ends.orElse(base.ends()));
  }

  private static List<String> differences(StageConfig trained, StageConfig chosen) {
    var lines = new ArrayList<String>();
    Map<String, String> own = StageTraits.of(trained);
    StageTraits.of(chosen)
        .forEach(
            (what, value) -> {
              if (!value.equals(own.get(what))) {
                lines.add("%s %s, trained with %s".formatted(what, value, own.get(what)));
              }
            });
    return lines;
  }
}
