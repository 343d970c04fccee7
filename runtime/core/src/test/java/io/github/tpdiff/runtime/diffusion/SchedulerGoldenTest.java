package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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

  @Test
  void epsilonTable_matchesUpstreamAlphasAndAddNoise() {
    var golden = new Golden("animatediff/scheduler-ddim-original");
    var form =
        (EpsilonPrediction)
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
    Latents start = golden.latents("in.sample");
    Trajectory trajectory =
        Scheduler.fromConfig(config)
            .trajectory(
                start,
                steps,
                (x, timestep) -> {
                  float[] v = new float[x.data().length];
                  for (int i = 0; i < v.length; i++) {
                    v[i] = (float) Math.tanh(factor * x.data()[i] + timestep / 1000);
                  }
                  return Latents.of(x.shape(), v);
                });
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

  private static double[] doubles(List<Latents> samples) {
    return samples.stream()
        .flatMapToDouble(
            latents ->
                java.util.stream.IntStream.range(0, latents.data().length)
                    .mapToDouble(i -> latents.data()[i]))
        .toArray();
  }
}
