package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.DiffusionForm;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.SamplerStep;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Trajectory;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ConfigFile;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * Kinds {@code scheduler} and {@code scheduler_original}: grids and trajectories, the network
 * replaced by a function of the sample and the timestep.
 */
public final class SchedulerCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    Denoiser.Prediction network = FunctionNetwork.of(golden.args().text("function"));
    for (GoldenRun run : golden.runs()) {
      Map<String, Object> config = config(golden);
      String key = run.args().findText("shift_key").orElse("shift");
      run.args().findNumber("shift").ifPresent(shift -> config.put(key, shift));
      for (int steps : steps(run.args())) {
        String prefix = run.prefix() + (run.args().isList("steps") ? "steps" + steps + "." : "");
        Trajectory found =
            Scheduler.fromConfig(config)
                .trajectory(LatentTensor.latents(run.input("sample")), steps, network);
        checks.compare(prefix + "timesteps", array(found.timesteps()));
        if (new GoldenRun(golden, prefix, run.args()).expects("sigmas")) {
          checks.compare(prefix + "sigmas", array(found.sigmas()));
        }
        checks.compare(prefix + "samples", samples(found.samples()));
      }
    }
    checkTable(golden, Scheduler.fromConfig(config(golden)).schedule(), checks);
  }

  /** The number of steps of a run, or the numbers of several without a name of their own. */
  private static List<Integer> steps(Arguments args) {
    return args.isList("steps") ? args.integers("steps") : List.of(args.integer("steps"));
  }

  /**
   * The products of α, where the case has them: γ² row by row, at the end, and mixed with noise.
   */
  private static void checkTable(GoldenCase golden, NoiseSchedule schedule, Checks checks) {
    DiffusionForm form = schedule.form();
    GoldenRun whole = golden.whole();
    if (whole.expects("alphas_cumprod")) {
      long rows = golden.tensors().require("out.alphas_cumprod").elementCount();
      checks.compare(
          "alphas_cumprod",
          LongStream.range(0, rows)
              .mapToDouble(row -> squared(form.gamma(form.time((double) row))))
              .toArray());
    }
    if (whole.expects("final_alpha_cumprod")) {
      List<SamplerStep> grid = schedule.steps(1);
      checks.compare("final_alpha_cumprod", new double[] {squared(form.gamma(grid.get(0).next()))});
    }
    if (whole.expects("noised")) {
      checks.compare("noised", noised(whole, form));
    }
  }

  /** Every sample of the batch at a timestep of its own, or all at one. */
  private static double[] noised(GoldenRun run, DiffusionForm form) {
    Tensor given = run.input("sample");
    float[] sample = given.toFloatArray();
    float[] noise = run.input("noise").toFloatArray();
    double[] times = noisedTimes(run, form);
    int batch = (int) given.shape()[0];
    if (times.length != 1 && times.length != batch) {
      throw new CaseException(
          "in.noise_timesteps: expected 1 or %d, found %d".formatted(batch, times.length));
    }
    var noised = new double[sample.length];
    for (int i = 0; i < noised.length; i++) {
      double time = times[times.length == 1 ? 0 : i / (sample.length / batch)];
      noised[i] = form.gamma(time) * sample[i] + form.sigma(time) * noise[i];
    }
    return noised;
  }

  /**
   * The times at which the reference mixed. Asked before its steps are set, diffusers' DPM-Solver
   * looks timesteps up from the noisiest down in a table that goes up.
   */
  private static double[] noisedTimes(GoldenRun run, DiffusionForm form) {
    Map<String, Object> config = config(run.golden());
    boolean reversed = "DPMSolverMultistepScheduler".equals(config.get("_class_name"));
    double last =
        config.get("num_train_timesteps") instanceof Number count ? count.doubleValue() - 1 : 999;
    return Arrays.stream(Values.doubles(run.input("noise_timesteps")))
        .map(timestep -> form.time(reversed ? last - timestep : timestep))
        .toArray();
  }

  private static double squared(double value) {
    return value * value;
  }

  /** The original repository has no configuration file: its one scheduler is UniPC for flows. */
  private static Map<String, Object> config(GoldenCase golden) {
    if (golden.args().findText("checkpoint").isEmpty()) {
      return new HashMap<>(Map.of("_class_name", "FlowUniPCMultistepScheduler"));
    }
    return new HashMap<>(ConfigFile.scheduler(golden.checkpoint()).toMap());
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static double[] samples(List<Latents> samples) {
    return samples.stream()
        .map(Latents::data)
        .flatMapToDouble(data -> Arrays.stream(Values.widened(data)))
        .toArray();
  }
}
