package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class StagedSamplerTest {
  private static final LatentShape SHAPE = new LatentShape(1, 2, 9, 3, 2);
  private static final Denoiser WAVE =
      (x, timestep, grid) -> {
        float[] v = new float[x.data().length];
        for (int i = 0; i < v.length; i++) {
          v[i] = (float) Math.tanh(0.7 * x.data()[i] + timestep / 1000);
        }
        return Latents.of(x.shape(), v);
      };

  static Stream<Map<String, Object>> schedulers() {
    return Stream.of(
        Map.of(
            "_class_name",
            "UniPCMultistepScheduler",
            "use_flow_sigmas",
            true,
            "prediction_type",
            "flow_prediction",
            "flow_shift",
            5.0),
        Map.of("_class_name", "FlowUniPCMultistepScheduler", "shift", 3.0),
        Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0),
        Map.of("_class_name", "DDIMScheduler", "clip_sample", false, "steps_offset", 1));
  }

  @ParameterizedTest
  @MethodSource("schedulers")
  void oneStage_isTheVanillaSamplerBitForBit(Map<String, Object> config) {
    Scheduler scheduler = Scheduler.fromConfig(config);
    StagePlan plan = StagePlan.of(StageConfig.vanilla(), scheduler.schedule(), SHAPE.grid());
    Latents staged =
        StagedSampler.of(plan, scheduler.sampler(), 7)
            .sample(SHAPE, WAVE, NoiseSource.seeded(3), StageListener.silent());
    Trajectory vanilla =
        scheduler.trajectory(
            NoiseSource.seeded(3).draw(SHAPE), 7, WAVE.at(StageGrid.full(SHAPE.grid())));
    assertThat(staged.data()).isEqualTo(vanilla.samples().get(7).data());
  }

  @ParameterizedTest
  @MethodSource("schedulers")
  void stages_askTheNetworkInsideTheirTimesWithTheirPositions(Map<String, Object> config) {
    Scheduler scheduler = Scheduler.fromConfig(config);
    StagePlan plan =
        StagePlan.of(
            StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()),
            scheduler.schedule(),
            SHAPE.grid());
    var asked = new ArrayList<Integer>();
    Denoiser recording =
        (x, timestep, grid) -> {
          asked.add(x.frames());
          Stage stage =
              plan.stages().stream().filter(s -> s.frames() == x.frames()).findFirst().get();
          assertThat(grid).isEqualTo(stage.grid());
          DiffusionForm form = scheduler.schedule().form();
          assertThat(timestep).isLessThanOrEqualTo(form.timestep(stage.start()) + 1e-9);
          assertThat(timestep).isGreaterThanOrEqualTo(form.timestep(stage.end()) - 1);
          return WAVE.predict(x, timestep, grid);
        };
    var heard = new ArrayList<String>();
    StageListener listener =
        new StageListener() {
          @Override
          public void onStage(Stage stage, int steps, Latents x) {
            heard.add("stage " + stage.number() + " of " + steps);
          }

          @Override
          public void onStep(Stage stage, int index, Latents x) {
            heard.add(stage.number() + "." + index);
          }
        };
    Latents result =
        StagedSampler.split(plan, scheduler.sampler(), List.of(2, 1, 3))
            .sample(SHAPE, recording, NoiseSource.seeded(3), listener);
    assertThat(result.shape()).isEqualTo(SHAPE);
    assertThat(asked).containsExactly(3, 3, 5, 9, 9, 9);
    assertThat(heard)
        .containsExactly(
            "stage 3 of 2",
            "3.0",
            "3.1",
            "stage 2 of 1",
            "2.0",
            "stage 1 of 3",
            "1.0",
            "1.1",
            "1.2");
  }

  @Test
  void stageScale_samplesAsGlobalScaleDoes() {
    var schedule = new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 1);
    StageConfig config = StageConfig.pyramid(3, FrameResampling.sharedFirstFrame());
    StagePlan global = StagePlan.of(config, schedule, SHAPE.grid());
    StagePlan stage =
        StagePlan.of(config.withTargetScale(StageConfig.TargetScale.STAGE), schedule, SHAPE.grid());
    Denoiser inStageTime =
        (x, timestep, grid) -> {
          Stage at =
              stage.stages().stream().filter(s -> s.frames() == x.frames()).findFirst().get();
          return WAVE.predict(x, timestep, grid).times(at.start() - at.end());
        };
    Latents expected = run(global, WAVE);
    Latents actual = run(stage, inStageTime);
    for (int i = 0; i < expected.data().length; i++) {
      assertThat(Math.abs(actual.data()[i] - expected.data()[i])).isLessThan(1e-5f);
    }
  }

  @ParameterizedTest
  @MethodSource("schedulers")
  void deterministicSamplers_drawOnceAStageAndStochasticOnesOnceMoreForEachStepWithNoise(
      Map<String, Object> config) {
    Scheduler scheduler = Scheduler.fromConfig(config);
    StagePlan plan =
        StagePlan.of(
            StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()),
            scheduler.schedule(),
            SHAPE.grid());
    for (String name : Samplers.names()) {
      var frames = new ArrayList<Integer>();
      NoiseSource seeded = NoiseSource.seeded(3);
      NoiseSource noise =
          shape -> {
            frames.add(shape.frames());
            return seeded.draw(shape);
          };
      Latents result =
          StagedSampler.split(plan, Samplers.named(name), List.of(2, 1, 3))
              .sample(SHAPE, WAVE, noise, StageListener.silent());
      assertThat(result.isFinite()).as(name).isTrue();
      // The last step ends in clean data: it adds none.
      assertThat(frames)
          .as(name)
          .isEqualTo(
              List.of("euler", "ddim", "heun", "unipc", "dpm").contains(name)
                  ? List.of(3, 5, 9)
                  : List.of(3, 3, 3, 5, 5, 9, 9, 9));
    }
  }

  @ParameterizedTest
  @MethodSource("schedulers")
  void ancestralSampling_withoutEtaIsEulers(Map<String, Object> config) {
    Scheduler scheduler = Scheduler.fromConfig(config);
    Latents start = NoiseSource.seeded(3).draw(SHAPE);
    Denoiser.Prediction network = WAVE.at(StageGrid.full(SHAPE.grid()));
    float[] expected = last(scheduler.withSampler(new EulerSampler()), start, network);
    float[] actual = last(scheduler.withSampler(new AncestralSampler(0)), start, network);
    assertThat(actual).isEqualTo(expected);
  }

  private static float[] last(Scheduler scheduler, Latents start, Denoiser.Prediction network) {
    return scheduler.trajectory(start, 7, network).samples().get(7).data();
  }

  @Test
  void samplersOfOtherNames_areRefusedWithThoseThereAre() {
    assertThat(Samplers.named("Euler-Ancestral")).isEqualTo(new AncestralSampler(1));
    assertThatThrownBy(() -> Samplers.named("lms"))
        .hasMessage(
            "sampler: expected one of [euler, ddim, heun, unipc, dpm, euler-ancestral, ddpm,"
                + " dpm-sde], found 'lms'");
    assertThatThrownBy(() -> new AncestralSampler(1.5)).hasMessageContaining("eta: from 0 to 1");
  }

  @Test
  void stepsThatDoNotFit_areRefused() {
    StagePlan plan =
        StagePlan.of(
            StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()),
            new FlowSchedule(FlowSchedule.Spacing.UNI_PC, 3),
            SHAPE.grid());
    assertThatThrownBy(() -> StagedSampler.split(plan, new EulerSampler(), List.of(1, 1)))
        .hasMessageContaining("expected 3 values");
    assertThatThrownBy(
            () ->
                StagedSampler.of(plan, new EulerSampler(), 3)
                    .sample(
                        SHAPE.withFrames(5), WAVE, NoiseSource.seeded(0), StageListener.silent()))
        .hasMessageContaining("the plan is for [9, 3, 2]");
  }

  /** The bits of before stages differed in rows and columns. */
  @Test
  void stagesOverTimeAlone_sampleWhatTheyAlwaysDid() {
    var lines = new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.GROUPED);
    FrameResampling shared = FrameResampling.sharedFirstFrame();
    assertThat(bits(shared, new EulerSampler())).isEqualTo(-1615732312);
    assertThat(bits(shared, new AncestralSampler(1))).isEqualTo(-2076727596);
    assertThat(bits(lines, new EulerSampler())).isEqualTo(1802200502);
    assertThat(bits(lines, new AncestralSampler(1))).isEqualTo(1535563529);
  }

  /** Of operations that every machine rounds alike. */
  private static int bits(FrameResampling resampling, Sampler sampler) {
    int frames = resampling.firstFrame() == FirstFrame.SHARED ? 9 : 8;
    LatentShape shape = SHAPE.withFrames(frames);
    StagePlan plan =
        StagePlan.of(
            StageConfig.pyramid(3, resampling),
            new FlowSchedule(FlowSchedule.Spacing.FLOW_MATCH_EULER, 3),
            shape.grid());
    Denoiser rational =
        (x, timestep, grid) -> {
          float[] v = new float[x.data().length];
          for (int i = 0; i < v.length; i++) {
            v[i] = x.data()[i] / (1 + Math.abs(x.data()[i])) + (float) (timestep / 1000);
          }
          return Latents.of(x.shape(), v);
        };
    NoiseSource noise = NoiseSource.of(new Random(5));
    return Arrays.hashCode(
        StagedSampler.of(plan, sampler, 7)
            .sample(shape, rational, noise, StageListener.silent())
            .data());
  }

  private static Latents run(StagePlan plan, Denoiser denoiser) {
    return StagedSampler.of(plan, new UniPcSampler(), 9)
        .sample(SHAPE, denoiser, NoiseSource.seeded(1), StageListener.silent());
  }
}
