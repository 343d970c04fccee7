package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Grids and trajectories of diffusers and of the original repositories. */
class SchedulerGoldenTest {

  @ParameterizedTest
  @ValueSource(strings = {"unipc", "unipc-original", "flow-match-euler"})
  void wanSchedulers_matchUpstreamTrajectories(String name) {
    var golden = new Golden("wan/scheduler-" + name);
    for (JsonNode run : golden.args.get("runs")) {
      Map<String, Object> config =
          name.equals("unipc-original")
              ? new HashMap<>(Map.of("_class_name", "FlowUniPCMultistepScheduler"))
              : golden.json("scheduler/scheduler_config.json");
      config.put(run.get("shift_key").asText(), run.get("shift").asDouble());
      check(golden, config, run.get("name").asText(), run.get("steps").asInt(), 0.7);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ddim-original", "ddim-diffusers", "dpmpp-2m"})
  void epsilonSchedulers_matchUpstreamTrajectories(String name) {
    var golden = new Golden("animatediff/scheduler-" + name);
    for (JsonNode steps : golden.args.get("steps")) {
      Map<String, Object> config = golden.json("scheduler/scheduler_config.json");
      check(golden, config, "steps" + steps.asInt(), steps.asInt(), 0.5);
    }
  }

  /*
   * The cases of diffusers/: a scheduler s of the case's configuration, in torch,
   *   s.set_timesteps(n); g = torch.Generator().manual_seed(n)
   *   for t in s.timesteps:
   *     x = s.step(torch.tanh(0.5 * x + float(t) / 1000), t, x, generator=g, **eta).prev_sample
   */

  @ParameterizedTest
  @ValueSource(
      strings = {"ddim-v", "ddim-sample", "dpmpp-2m-v", "ddim-eta", "ddpm-v", "dpmpp-2m-sde"})
  void predictionTypesAndStochasticSamplers_matchDiffusersTrajectories(String name) {
    var golden = new Golden("diffusers/" + name);
    for (JsonNode steps : golden.args.get("steps")) {
      var scheduler = Scheduler.fromConfig(golden.json("scheduler/scheduler_config.json"));
      if (golden.args.has("eta")) {
        scheduler = scheduler.withSampler(new AncestralSampler(golden.args.get("eta").asDouble()));
      }
      check(golden, scheduler, "steps" + steps.asInt(), steps.asInt(), 0.5);
    }
  }

  static Stream<Arguments> flowSamplers() {
    return Stream.of(
        Arguments.of("flow-sde-1", new AncestralSampler(1)),
        Arguments.of("flow-sde-2m", new DpmSolverSdeSampler()));
  }

  /** On diffusers' own grid, which no published checkpoint has. */
  @ParameterizedTest
  @MethodSource("flowSamplers")
  void stochasticSamplersOfFlows_matchDiffusersTrajectories(String name, Sampler sampler) {
    var golden = new Golden("diffusers/" + name);
    for (JsonNode count : golden.args.get("steps")) {
      String run = "out.steps" + count.asInt() + ".";
      double[] sigmas = golden.values(run + "sigmas");
      double[] timesteps = golden.values(run + "timesteps");
      var steps = new ArrayList<SamplerStep>();
      for (int i = 0; i < timesteps.length; i++) {
        steps.add(new SamplerStep(sigmas[i], sigmas[i + 1], timesteps[i]));
      }
      var samples = new ArrayList<Latents>(List.of(golden.latents("in.sample")));
      sampler.sample(
          new SamplerRun(
              StageLine.whole(new FlowSchedule(FlowSchedule.Spacing.UNI_PC, 3)),
              steps,
              tanh(0.5),
              NoiseSource.seeded(count.asInt()),
              (index, x) -> samples.add(x)),
          samples.get(0));
      golden.assertMatches(run + "samples", doubles(samples));
    }
  }

  @Test
  void epsilonTable_matchesUpstreamAlphasAndAddNoise() {
    var golden = new Golden("animatediff/scheduler-ddim-original");
    var form =
        (VariancePreserving)
            Scheduler.fromConfig(golden.json("scheduler/scheduler_config.json")).schedule().form();
    double[] alphas = new double[form.trainTimesteps()];
    for (int n = 0; n < alphas.length; n++) {
      alphas[n] = form.alphaCumprod(form.time(n));
    }
    golden.assertMatches("out.alphas_cumprod", alphas);
    double t = form.time(golden.values("in.noise_timesteps")[0]);
    Latents noised =
        golden.latents("in.sample").mix(form.gamma(t), form.sigma(t), golden.latents("in.noise"));
    golden.assertMatches("out.noised", doubles(List.of(noised)));
  }

  private static void check(
      Golden golden, Map<String, Object> config, String run, int steps, double factor) {
    check(golden, Scheduler.fromConfig(config), run, steps, factor);
  }

  private static void check(
      Golden golden, Scheduler scheduler, String run, int steps, double factor) {
    Latents start = golden.latents("in.sample");
    Trajectory trajectory =
        scheduler.trajectory(start, steps, tanh(factor), NoiseSource.seeded(steps));
    assertThat(trajectory.samples()).hasSize(steps + 1);
    golden.assertMatches(
        "out." + run + ".timesteps",
        trajectory.timesteps().stream().mapToDouble(Double::doubleValue).toArray());
    if (golden.has("out." + run + ".sigmas")) {
      golden.assertMatches(
          "out." + run + ".sigmas",
          trajectory.sigmas().stream().mapToDouble(Double::doubleValue).toArray());
    }
    golden.assertMatches("out." + run + ".samples", doubles(trajectory.samples()));
  }

  private static Denoiser.Prediction tanh(double factor) {
    return (x, timestep) -> {
      float[] predicted = new float[x.data().length];
      for (int i = 0; i < predicted.length; i++) {
        predicted[i] = (float) Math.tanh(factor * x.data()[i] + timestep / 1000);
      }
      return Latents.of(x.shape(), predicted);
    };
  }

  private static double[] doubles(List<Latents> samples) {
    return samples.stream()
        .flatMapToDouble(
            latents ->
                java.util.stream.IntStream.range(0, latents.data().length)
                    .mapToDouble(i -> latents.data()[i]))
        .toArray();
  }
}
