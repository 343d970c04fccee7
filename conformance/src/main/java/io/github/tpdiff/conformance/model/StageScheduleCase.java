package io.github.tpdiff.conformance.model;

import io.github.tpdiff.adapters.miniflux.PyramidFlowSchedule;
import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.EulerSampler;
import io.github.tpdiff.runtime.diffusion.FlowSchedule;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.SamplerRun;
import io.github.tpdiff.runtime.diffusion.SamplerStep;
import io.github.tpdiff.runtime.diffusion.StageLine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Kind {@code scheduler} of a schedule of stages: where stages start and end, what a step into one
 * is made of, the times of training, and grids and trajectories of each stage.
 */
public final class StageScheduleCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    PyramidFlowSchedule schedule = schedule(golden);
    int stages = schedule.stages();
    checks.compare("ori_start_sigmas", of(0, stages, schedule::originalStart));
    checks.compare("start_sigmas", of(0, stages, schedule::start));
    checks.compare("end_sigmas", of(0, stages, schedule::end));
    checks.compare("jump_alpha", of(1, stages, schedule::jumpScale));
    checks.compare("jump_beta", of(1, stages, schedule::jumpNoise));
    checks.compare(
        "timestep_ratios",
        of(0, 2 * stages, i -> i == 2 * stages - 1 ? 1 : schedule.ratioBefore((i + 1) / 2)));
    for (int stage = 0; stage < stages; stage++) {
      int number = stage;
      String output = "stage" + stage + ".";
      double[] points = schedule.trainPoints();
      checks.compare(output + "train_sigmas", points);
      checks.compare(
          output + "train_timesteps",
          Arrays.stream(points).map(point -> schedule.timestep(number, point)).toArray());
      for (int steps : golden.args().integers("steps")) {
        String run = "steps" + steps + "." + output;
        checkSteps(golden, run, schedule.steps(stage, steps), checks);
      }
    }
  }

  private static PyramidFlowSchedule schedule(GoldenCase golden) {
    Arguments config = golden.args().group("config");
    var schedule =
        new PyramidFlowSchedule(
            config.integer("num_train_timesteps"),
            config.number("shift"),
            config.numbers("stage_range"),
            config.number("gamma"));
    int stages = config.integer("stages");
    if (stages != schedule.stages()) {
      throw new CaseException(
          "args.config.stages: expected %d, one less than stage_range has, found %d"
              .formatted(schedule.stages(), stages));
    }
    return schedule;
  }

  private static double[] of(int from, int to, IntToDoubleFunction value) {
    return IntStream.range(from, to).mapToDouble(value).toArray();
  }

  private static void checkSteps(
      GoldenCase golden, String run, List<SamplerStep> steps, Checks checks) {
    checks.compare(run + "timesteps", steps.stream().mapToDouble(SamplerStep::timestep).toArray());
    double[] times = new double[steps.size() + 1];
    for (int i = 0; i < steps.size(); i++) {
      times[i] = steps.get(i).time();
      times[i + 1] = steps.get(i).next();
    }
    checks.compare(run + "sigmas", times);
    Denoiser.Prediction network = FunctionNetwork.of(golden.args().text("function"));
    Latents start = LatentTensor.latents(golden.whole().input("sample"));
    var samples = new ArrayList<Latents>(List.of(start));
    // Of the schedule only the form matters: every stage is flow matching in its own time.
    var line = StageLine.whole(new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 1));
    var sampling =
        new SamplerRun(line, steps, network, NoiseSource.none(), (index, x) -> samples.add(x));
    new EulerSampler().sample(sampling, start);
    checks.compare(
        run + "samples",
        samples.stream().flatMapToDouble(x -> Arrays.stream(Values.widened(x.data()))).toArray());
  }
}
