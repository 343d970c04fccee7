package io.github.tpdiff.conformance.model;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.DiffusionForm;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Step;
import io.github.tpdiff.runtime.diffusion.Trajectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public void check(GoldenCase golden, Checks checks) {
    Denoiser.Prediction network = FunctionNetwork.of(golden.arg("function").asText());
    for (GoldenRun run : runs(golden)) {
      Map<String, Object> config = config(golden);
      if (run.args().has("shift")) {
        config.put(
            run.args().path("shift_key").asText("shift"), run.args().path("shift").asDouble());
      }
      Trajectory found =
          Scheduler.fromConfig(config)
              .trajectory(
                  LatentTensor.latents(run.input("sample")), run.arg("steps").asInt(), network);
      checks.compare(run.prefix() + "timesteps", array(found.timesteps()));
      if (run.expects("sigmas")) {
        checks.compare(run.prefix() + "sigmas", array(found.sigmas()));
      }
      checks.compare(run.prefix() + "samples", samples(found.samples()));
    }
    checkTable(golden, Scheduler.fromConfig(config(golden)).schedule(), checks);
  }

  /** The runs of the case, or one for each number of steps that it lists. */
  private static List<GoldenRun> runs(GoldenCase golden) {
    if (!golden.args().path("steps").isArray()) {
      return golden.runs();
    }
    var runs = new ArrayList<GoldenRun>();
    for (JsonNode steps : golden.arg("steps")) {
      runs.add(
          new GoldenRun(
              golden, "steps" + steps.asInt() + ".", JSON.createObjectNode().set("steps", steps)));
    }
    return runs;
  }

  /**
   * The products of α, where the case has them: γ² row by row, at the end, and mixed with noise.
   */
  private static void checkTable(GoldenCase golden, NoiseSchedule schedule, Checks checks) {
    DiffusionForm form = schedule.form();
    var whole = new GoldenRun(golden, "", golden.args());
    if (whole.expects("alphas_cumprod")) {
      long rows = golden.tensors().require("out.alphas_cumprod").elementCount();
      checks.compare(
          "alphas_cumprod",
          LongStream.range(0, rows)
              .mapToDouble(row -> squared(form.gamma(form.time((double) row))))
              .toArray());
    }
    if (whole.expects("final_alpha_cumprod")) {
      List<Step> grid = schedule.steps(1);
      checks.compare("final_alpha_cumprod", new double[] {squared(form.gamma(grid.get(0).next()))});
    }
    if (whole.expects("noised")) {
      checks.compare("noised", noised(whole, form));
    }
  }

  private static double[] noised(GoldenRun run, DiffusionForm form) {
    double time = form.time((double) noisedRow(run));
    float[] sample = run.input("sample").toFloatArray();
    float[] noise = run.input("noise").toFloatArray();
    var noised = new double[sample.length];
    for (int i = 0; i < noised.length; i++) {
      noised[i] = form.gamma(time) * sample[i] + form.sigma(time) * noise[i];
    }
    return noised;
  }

  /**
   * The row of the table at which the reference mixed. Asked before its steps are set, diffusers'
   * DPM-Solver looks timesteps up from the noisiest down in a table that goes up.
   */
  private static long noisedRow(GoldenRun run) {
    long timestep = run.input("noise_timesteps").longs().get(0);
    boolean reversed =
        "DPMSolverMultistepScheduler".equals(config(run.golden()).get("_class_name"));
    long last = run.golden().tensors().require("out.alphas_cumprod").elementCount() - 1;
    return reversed ? last - timestep : timestep;
  }

  private static double squared(double value) {
    return value * value;
  }

  /** The original repository has no configuration file: its one scheduler is UniPC for flows. */
  private static Map<String, Object> config(GoldenCase golden) {
    if (!golden.args().has("checkpoint")) {
      return new HashMap<>(Map.of("_class_name", "FlowUniPCMultistepScheduler"));
    }
    Path checkpoint = golden.checkpoint();
    Path file =
        Files.isDirectory(checkpoint) ? checkpoint.resolve("scheduler_config.json") : checkpoint;
    return JSON.convertValue(
        golden.file(golden.folder().relativize(file).toString()),
        new TypeReference<HashMap<String, Object>>() {});
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
