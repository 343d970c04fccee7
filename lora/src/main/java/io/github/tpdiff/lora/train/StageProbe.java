package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.train.FixedTries.Try;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Asks a checkpoint what it knows of the stages of a pyramid before any training: its loss on a few
 * clips, for each way of telling it positions that it can tell apart.
 *
 * @param denoisers of the model, each with the clips at its own times
 * @param seed of the noises; the same seed gives the same losses
 */
public record StageProbe(List<Asked> denoisers, long seed) {
  /** Clips that are looked at. */
  public static final int MOST_CLIPS = 4;

  /** Times of each clip in each stage. */
  private static final int TIMES = 4;

  /**
   * A denoiser.
   *
   * @param network with its conditioning
   * @param clips that are noised for it, in the stages that are probed
   */
  public record Asked(Component network, PhasedClips clips) {}

  /** What is asked. */
  public enum Extent {
    /** What a choice of positions needs: the stages in which positions make a difference. */
    POSITIONS,
    /** Every stage, and beside each the network's own diffusion at the same times. */
    ALL
  }

  /** Is told how far the probe is. */
  @FunctionalInterface
  public interface Listener {
    void tried(int done, int total);
  }

  /**
   * @throws IllegalArgumentException if there is no denoiser
   */
  public StageProbe {
    denoisers = List.copyOf(denoisers);
    checkArgument(!denoisers.isEmpty(), "probe: expected a denoiser, found none");
  }

  /**
   * The rules of positions between which a network tells stages apart: scaled or native along time,
   * and along rows and columns together, wherever a rate is above 1 and the network reads
   * positions; scaled along the others. Scaled ones come first, and are alone where there is no
   * choice.
   */
  public static List<PositionRules> choices(StageConfig stages, Program network) {
    var choices = new ArrayList<PositionRules>();
    for (PositionRule space : rules(network, stages, GridAxis.HEIGHT, GridAxis.WIDTH)) {
      for (PositionRule time : rules(network, stages, GridAxis.TIME)) {
        choices.add(new PositionRules(time, space, space));
      }
    }
    return choices;
  }

  private static List<PositionRule> rules(Program network, StageConfig stages, GridAxis... axes) {
    for (GridAxis axis : axes) {
      if (stages.largestStrides().along(axis) > 1 && reads(network, axis)) {
        return List.of(PositionRule.SCALED, PositionRule.NATIVE);
      }
    }
    return List.of(PositionRule.SCALED);
  }

  /** Whether a network is told positions along an axis. */
  public static boolean reads(Program network, GridAxis axis) {
    return network
        .inputs()
        .containsKey(
            switch (axis) {
              case TIME -> NetworkInputs.POSITIONS;
              case HEIGHT -> NetworkInputs.ROWS;
              case WIDTH -> NetworkInputs.COLUMNS;
            });
  }

  /** The network once, of one clip: in a stage under some rules, or in its own diffusion. */
  private record Trial(Try one, StagePlan plan, Stage asked, Place place) {}

  /** Where a loss counts: in a stage, under rules or none for the network's own diffusion. */
  private record Place(int stage, Optional<PositionRules> rules, double unit) {}

  /** Runs the network forward, some dozens of times. */
  public StageLosses losses(Engine engine, Extent extent, Listener listener) {
    List<List<Trial>> trials = denoisers.stream().map(own -> trials(own, extent)).toList();
    int total = trials.stream().mapToInt(List::size).sum();
    var means = new Means();
    int done = 0;
    for (int i = 0; i < denoisers.size(); i++) {
      Component network = denoisers.get(i).network();
      FixedTries tries = tries(denoisers.get(i));
      try (Executable loaded = engine.load(network.program(), network.weights())) {
        NetworkLoss loss = NetworkLoss.of(loaded);
        for (Trial trial : trials.get(i)) {
          means.add(
              trial.place(), tries.batch(trial.one(), trial.plan(), trial.asked()).loss(loss));
          listener.tried(++done, total);
        }
      }
    }
    return means.losses();
  }

  private FixedTries tries(Asked asked) {
    return new FixedTries(asked.clips(), TIMES, new Draws(seed), 0);
  }

  private List<Trial> trials(Asked asked, Extent extent) {
    PhasedDiffusion diffusion = asked.clips().diffusion();
    List<PositionRules> choices = choices(diffusion.stages(), asked.network().program());
    var trials = new ArrayList<Trial>();
    for (int clip : spread(asked.clips().clips().shapes().size())) {
      LatentGrid grid = asked.clips().clips().shapes().get(clip).grid();
      StagePlan plan = diffusion.plan(grid);
      StagePlan own = StagePlan.of(StageConfig.vanilla(), diffusion.schedule(), grid);
      for (Stage stage : diffusion.visited(plan)) {
        boolean same = stage.strides().equals(GridFactor.ONE);
        if (same && extent == Extent.POSITIONS) {
          continue;
        }
        for (Try one : tries(asked).of(clip, stage)) {
          for (PositionRules rules : same ? choices.subList(0, 1) : choices) {
            var place = new Place(stage.number(), Optional.of(rules), unit(diffusion, stage));
            trials.add(new Trial(one, plan, told(stage, rules), place));
          }
          if (extent == Extent.ALL) {
            var place = new Place(stage.number(), Optional.empty(), 1);
            trials.add(new Trial(one, own, own.stage(1), place));
          }
        }
      }
    }
    return trials;
  }

  /** Some of many, far from each other. */
  private static List<Integer> spread(int clips) {
    int count = Math.min(clips, MOST_CLIPS);
    return IntStream.range(0, count).map(i -> (int) ((long) i * clips / count)).boxed().toList();
  }

  private static Stage told(Stage stage, PositionRules rules) {
    return new Stage(stage.number(), stage.grid().withPositions(rules), stage.start(), stage.end());
  }

  /** From squared errors in a stage's own time to those of global time. */
  private static double unit(PhasedDiffusion diffusion, Stage stage) {
    double length = stage.start() - stage.end();
    return switch (diffusion.stages().targetScale()) {
      case GLOBAL -> 1;
      case STAGE -> 1 / (length * length);
    };
  }

  /** Sums up what belongs together. */
  private static final class Means {
    private final Map<Optional<PositionRules>, Map<Integer, double[]>> sums = new LinkedHashMap<>();

    void add(Place place, double loss) {
      double[] sum =
          sums.computeIfAbsent(place.rules(), r -> new TreeMap<>(Collections.reverseOrder()))
              .computeIfAbsent(place.stage(), stage -> new double[2]);
      sum[0] += place.unit() * loss;
      sum[1]++;
    }

    StageLosses losses() {
      var staged = new LinkedHashMap<PositionRules, Map<Integer, Double>>();
      Map<Integer, Double> vanilla = Map.of();
      for (Optional<PositionRules> rules : sums.keySet()) {
        if (rules.isPresent()) {
          staged.put(rules.get(), means(rules));
        } else {
          vanilla = means(rules);
        }
      }
      // Positions make no difference in the last stage, which was tried once for all.
      Map<Integer, Double> first = staged.values().stream().findFirst().orElse(Map.of());
      staged.values().forEach(own -> first.forEach(own::putIfAbsent));
      return new StageLosses(staged, vanilla);
    }

    private Map<Integer, Double> means(Optional<PositionRules> rules) {
      var means = new TreeMap<Integer, Double>(Collections.reverseOrder());
      sums.getOrDefault(rules, Map.of()).forEach((stage, sum) -> means.put(stage, sum[0] / sum[1]));
      return means;
    }
  }
}
