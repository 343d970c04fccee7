package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import java.util.Optional;

/**
 * The denoiser that a job trains.
 *
 * @param component its name
 * @param expert what users call it, of a model that has several
 * @param times at which it is asked, and trained
 */
record TrainedDenoiser(String component, Optional<String> expert, TimeRange times) {
  /**
   * Of a model, the one that a job names; its only one if it names none.
   *
   * @throws IllegalArgumentException if it has none of that name, or several and none is named
   */
  static TrainedDenoiser of(TrainingJob job, ModelDescription model, NoiseSchedule schedule) {
    TrainedDenoiser whole = of(job.model(), model, schedule);
    TimeRange asked = asked(job.train(), schedule);
    double start = Math.min(whole.times.start(), asked.start());
    double end = Math.max(whole.times.end(), asked.end());
    checkArgument(
        end < start,
        "train.min_timestep, train.max_timestep: %s is asked at times %s to %s, found %s to %s, which leaves none",
        whole.expert.orElse(whole.component),
        whole.times.end(),
        whole.times.start(),
        asked.end(),
        asked.start());
    return new TrainedDenoiser(whole.component, whole.expert, new TimeRange(start, end));
  }

  private static TimeRange asked(TrainingJob.Train train, NoiseSchedule schedule) {
    double least = train.leastTimestep().orElse(0);
    double end = least == 0 ? 0 : schedule.form().time(least);
    double start =
        train.greatestTimestep().isPresent()
            ? schedule.form().time(train.greatestTimestep().getAsDouble())
            : 1;
    checkArgument(
        end >= 0 && end < start && start <= 1,
        "train.min_timestep, train.max_timestep: expected the lower first, both from 0 to %s, found %s to %s",
        schedule.form().timestep(1),
        least,
        train.greatestTimestep().isPresent() ? train.greatestTimestep().getAsDouble() : "the end");
    return new TimeRange(start, end);
  }

  private static TrainedDenoiser of(
      TrainingJob.Model job, ModelDescription model, NoiseSchedule schedule) {
    Flow flow = model.flow();
    boolean several = flow.denoisers().size() > 1;
    String component;
    try {
      component =
          several || job.denoiser().isPresent()
              ? flow.named(job.denoiser().orElse(""))
              : flow.denoiser();
    } catch (IllegalArgumentException unknown) {
      throw new IllegalArgumentException("model.denoiser: " + unknown.getMessage(), unknown);
    }
    return new TrainedDenoiser(
        component,
        several ? Optional.of(flow.nameOf(component)) : Optional.empty(),
        times(flow, component, schedule));
  }

  static TimeRange times(Flow flow, String component, NoiseSchedule schedule) {
    double start = 1;
    double end = 1;
    for (Flow.Expert expert : flow.denoisers()) {
      start = end;
      end = expert.leastTimestep() == 0 ? 0 : schedule.form().time(expert.leastTimestep());
      if (expert.component().equals(component)) {
        break;
      }
    }
    return new TimeRange(start, end);
  }

  /**
   * How often it visits each stage where a job leaves that open: for each the share of its times at
   * which this denoiser is asked.
   *
   * <p>All stages are visited alike where one denoiser has all times. Of that joint distribution of
   * stage and time, a denoiser of several is trained on the part at its own times, and its weights
   * are those that this part leaves: together, the denoisers see what one would have. A stage that
   * it is never asked in weighs nothing.
   */
  StageWeights weights(StagePlan plan) {
    List<Double> shares =
        plan.stages().stream()
            .map(stage -> times.within(stage).map(part -> length(part) / length(stage)).orElse(0.0))
            .toList();
    return new StageWeights(shares);
  }

  private static double length(Stage stage) {
    return stage.start() - stage.end();
  }
}
