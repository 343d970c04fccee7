package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Where sampling asks the network: so often, or at points that are given. */
public sealed interface Steps {

  /**
   * So many in all, split over the stages as their configuration says, and spaced in each as the
   * schedule spaces its own.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Steps count(int total) {
    return new Count(total);
  }

  /**
   * The noise levels themselves, on the clock τ: σ of flow matching, from 1 to 0, and σ/γ of the
   * other form. No shift is applied to them; diffusers applies its own to what it is given.
   */
  static Steps sigmas(NoiseLevels levels) {
    return new Given(levels, Unit.SIGMA);
  }

  /** The same as timesteps, on the checkpoint's own scale. */
  static Steps timesteps(NoiseLevels levels) {
    return new Given(levels, Unit.TIMESTEP);
  }

  /**
   * The steps of each stage of a plan, in sampling order.
   *
   * @throws IllegalArgumentException if they do not go with its stages, in one line
   */
  List<List<SamplerStep>> in(StagePlan plan);

  /** The scale of points that are given. */
  enum Unit {
    SIGMA("sigmas"),
    TIMESTEP("timesteps");

    private final String field;

    Unit(String field) {
      this.field = field;
    }

    private double time(DiffusionForm form, double value) {
      double most = of(form, 1);
      checkArgument(value <= most, "%s: expected at most %s, found %s", field, most, value);
      return this == SIGMA ? form.timeOf(value) : form.time(value);
    }

    private double of(DiffusionForm form, double time) {
      return this == SIGMA ? form.tau(time) : form.timestep(time);
    }
  }

  /**
   * A number of steps.
   *
   * @param total of all stages
   */
  record Count(int total) implements Steps {
    public Count {
      checkArgument(total >= 1, "steps: expected at least one, found %s", total);
    }

    @Override
    public List<List<SamplerStep>> in(StagePlan plan) {
      return split(plan, plan.config().splitSteps(total));
    }
  }

  /** So many steps in each stage of a plan, spaced as its schedule spaces them. */
  static List<List<SamplerStep>> split(StagePlan plan, List<Integer> counts) {
    List<Stage> stages = plan.stages();
    checkArgument(
        counts.size() == stages.size(),
        "steps: expected %s values, one a stage, found %s",
        stages.size(),
        counts);
    return IntStream.range(0, counts.size())
        .mapToObj(
            i -> plan.schedule().steps(counts.get(i), stages.get(i).start(), stages.get(i).end()))
        .toList();
  }

  /**
   * Points at which the network is asked.
   *
   * <p>Noise is taken for that of the first point. Every later stage begins at its own start, where
   * linkage leaves it, so that the network is asked there in any case: a first point that is nearer
   * to it than half a timestep is the start itself. A last point at a stage's end is where its last
   * step goes. One list for several stages is cut at their starts.
   *
   * @param levels the points
   * @param unit their scale
   */
  record Given(NoiseLevels levels, Unit unit) implements Steps {
    @Override
    public List<List<SamplerStep>> in(StagePlan plan) {
      DiffusionForm form = plan.schedule().form();
      List<Stage> stages = plan.stages();
      List<List<Double>> times =
          levels.lists().stream()
              .map(list -> list.stream().map(value -> unit.time(form, value)).toList())
              .toList();
      checkArgument(
          times.size() == 1 || times.size() == stages.size(),
          "%s: expected one list, or one for each of %s stages, found %s lists",
          unit.field,
          stages.size(),
          times.size());
      if (times.size() < stages.size()) {
        times = cut(times.get(0), stages, halfTimestep(form));
      }
      var steps = new ArrayList<List<SamplerStep>>();
      for (int i = 0; i < stages.size(); i++) {
        Stage stage = stages.get(i);
        List<Double> own = within(stage, times.get(i), form);
        if (i == 0) {
          checkArgument(
              !own.isEmpty(),
              "%s: expected one at least between %s and %s, where stage %s begins, found %s",
              unit.field,
              unit.of(form, stage.start()),
              unit.of(form, stages.size() == 1 ? stage.end() : stages.get(1).start()),
              stage.number(),
              levels);
        } else {
          own = fromStart(stage, own, halfTimestep(form));
        }
        steps.add(plan.schedule().steps(own, stage.end()));
      }
      return List.copyOf(steps);
    }

    private static double halfTimestep(DiffusionForm form) {
      return (form.time(1) - form.time(0)) / 2;
    }

    /** Each time in the last stage that begins at it or above. */
    private static List<List<Double>> cut(List<Double> times, List<Stage> stages, double half) {
      var parts = new ArrayList<List<Double>>();
      stages.forEach(stage -> parts.add(new ArrayList<>()));
      for (double time : times) {
        int own = stages.size() - 1;
        while (own > 0 && time > stages.get(own).start() + half) {
          own--;
        }
        parts.get(own).add(time);
      }
      return parts;
    }

    /** The times at which a stage asks the network, without one that is its end. */
    private List<Double> within(Stage stage, List<Double> times, DiffusionForm form) {
      double half = halfTimestep(form);
      var own = new ArrayList<>(times);
      if (!own.isEmpty() && Math.abs(own.get(own.size() - 1) - stage.end()) < half) {
        own.remove(own.size() - 1);
      }
      for (double time : own) {
        checkArgument(
            time <= stage.start() + half && time > stage.end(),
            "%s: stage %s runs from %s to %s, found %s",
            unit.field,
            stage.number(),
            unit.of(form, stage.start()),
            unit.of(form, stage.end()),
            unit.of(form, time));
      }
      return own;
    }

    private static List<Double> fromStart(Stage stage, List<Double> times, double half) {
      var own = new ArrayList<Double>();
      own.add(stage.start());
      times.stream().filter(time -> time < stage.start() - half).forEach(own::add);
      return own;
    }
  }
}
