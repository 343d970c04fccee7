package io.github.tpdiff.runtime.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.FirstFrame;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.HeunSampler;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.SamplerStep;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class VideoPipelineTest {
  private static final LatentShape SHAPE = new LatentShape(1, 2, 5, 2, 4);

  /** Float rounding of a handful of linear steps on values below 100. */
  private static final float TOLERANCE = 2e-5f;

  /** Sums of the linear model's embeddings: ids 1, 3, 3, 1 and 5, 1, each times 1 + 2 + 3. */
  private static final double PROMPT = 48;

  private static final double NEGATIVE = 36;

  private final LinearVideoModel model = new LinearVideoModel();
  private final VideoPipeline pipeline = new VideoPipeline(model.parts());
  private final Scheduler scheduler = Scheduler.fromConfig(model.parts().description().scheduler());

  private static GenerationRequest asked() {
    return GenerationRequest.of("a red fox")
        .withNegativePrompt("blurs")
        .withSize(new VideoSize(16, 32, 17, 16))
        .withSeed(7);
  }

  private VideoRequest request() {
    return asked().of(model.parts().description());
  }

  private Latents generate(VideoRequest request) {
    return pipeline.generate(request, GenerationListener.silent()).latents();
  }

  private static Denoiser guided(double scale) {
    return (x, timestep, grid) -> {
      int[] positions = grid.positions(GridAxis.TIME);
      Latents c = LinearVideoModel.predict(x, timestep, positions, PROMPT);
      Latents u = LinearVideoModel.predict(x, timestep, positions, NEGATIVE);
      return u.plus(scale, c.plus(-1, u));
    };
  }

  private static StageConfig threeStages() {
    return StageConfig.pyramid(3, FrameResampling.sharedFirstFrame())
        .withStepSplit(List.of(1, 1, 2));
  }

  @Test
  void oneStage_isTheCheckpointsOwnSampling() {
    Latents noise = NoiseSource.seeded(7).draw(SHAPE);
    List<Latents> samples =
        scheduler.trajectory(noise, 4, guided(5).at(StageGrid.full(SHAPE.grid()))).samples();
    assertArrayEquals(samples.get(4).data(), generate(request()).data(), TOLERANCE);
  }

  @Test
  void anotherSampler_takesThePlaceOfTheCheckpoints() {
    Latents noise = NoiseSource.seeded(7).draw(SHAPE);
    List<Latents> samples =
        scheduler
            .withSampler(new HeunSampler())
            .trajectory(noise, 4, guided(5).at(StageGrid.full(SHAPE.grid())))
            .samples();
    var sampling = request().sampling().withSampler(new HeunSampler());
    assertArrayEquals(
        samples.get(4).data(), generate(request().withSampling(sampling)).data(), TOLERANCE);
  }

  @Test
  void everyStep_asksForPromptThenNegativeAtFullRatePositions() {
    generate(request());
    var expected = new ArrayList<LinearVideoModel.Call>();
    for (SamplerStep step : scheduler.schedule().steps(4)) {
      float timestep = (float) step.timestep();
      expected.add(new LinearVideoModel.Call(timestep, List.of(0, 1, 2, 3, 4), PROMPT));
      expected.add(new LinearVideoModel.Call(timestep, List.of(0, 1, 2, 3, 4), NEGATIVE));
    }
    assertEquals(expected, model.calls());
  }

  @Test
  void withoutGuidance_theNegativePromptIsNeverRead() {
    var request = request().withSampling(request().sampling().withGuidance(Guidance.none()));
    generate(request);
    assertEquals(1, model.encodedLengths().size());
    assertEquals(4, model.calls().size());
    assertTrue(model.calls().stream().allMatch(call -> call.prompt() == PROMPT));
  }

  @Test
  void stages_haveTheirOwnFramesPositionsAndTimesteps() {
    var sampling = request().sampling().withStages(threeStages()).withGuidance(Guidance.none());
    generate(request().withSampling(sampling));
    var plan = StagePlan.of(threeStages(), scheduler.schedule(), SHAPE.grid());
    var expected = new ArrayList<LinearVideoModel.Call>();
    int[] steps = {1, 1, 2};
    List<List<Integer>> positions =
        List.of(List.of(0, 4), List.of(0, 2, 4), List.of(0, 1, 2, 3, 4));
    for (int i = 0; i < 3; i++) {
      var stage = plan.stages().get(i);
      for (SamplerStep step : scheduler.schedule().steps(steps[i], stage.start(), stage.end())) {
        expected.add(new LinearVideoModel.Call((float) step.timestep(), positions.get(i), PROMPT));
      }
    }
    assertEquals(expected, model.calls());
  }

  @Test
  void stages_drawNoiseAtTheirFrameCountsAndEndAtFullRate() {
    var drawn = new ArrayList<Integer>();
    NoiseSource seeded = NoiseSource.seeded(7);
    var sampling = request().sampling().withStages(threeStages());
    Latents latents =
        generate(
            request()
                .withSampling(sampling)
                .withNoise(
                    shape -> {
                      drawn.add(shape.frames());
                      return seeded.draw(shape);
                    }));
    assertEquals(List.of(2, 3, 5), drawn);
    var byHand =
        StagedSampler.split(
            StagePlan.of(threeStages(), scheduler.schedule(), SHAPE.grid()),
            scheduler.sampler(),
            List.of(1, 1, 2));
    Latents expected =
        byHand.sample(SHAPE, guided(5), NoiseSource.seeded(7), StageListener.silent());
    assertArrayEquals(expected.data(), latents.data(), TOLERANCE);
  }

  @Test
  void stagesOverSpace_drawNoiseOnTheirGridsAndEndAtTheFullOne() {
    var stages =
        StageConfig.of(
                List.of(GridFactor.cube(2), new GridFactor(1, 1, 2)),
                FrameResampling.sharedFirstFrame())
            .withPositions(PositionRules.all(PositionRules.PositionRule.NATIVE));
    var size = new VideoSize(32, 64, 17, 16);
    var request = asked().withSize(size).of(model.parts().description());
    var shape = new LatentShape(1, 2, 5, 4, 8);
    var drawn = new ArrayList<LatentGrid>();
    NoiseSource seeded = NoiseSource.seeded(7);
    Latents latents =
        generate(
            request
                .withSampling(request.sampling().withStages(stages))
                .withNoise(
                    noise -> {
                      drawn.add(noise.grid());
                      return seeded.draw(noise);
                    }));
    assertEquals(List.of(new LatentGrid(3, 2, 2), new LatentGrid(5, 4, 4), shape.grid()), drawn);
    // Each call twice: with the prompt, and with the negative one.
    assertEquals(
        List.of(List.of(0, 1, 2), List.of(0, 1, 2, 3, 4)),
        model.calls().stream().map(LinearVideoModel.Call::positions).distinct().toList());
    var plan = StagePlan.of(stages, scheduler.schedule(), shape.grid());
    Latents expected =
        StagedSampler.of(plan, scheduler.sampler(), 4)
            .sample(shape, guided(5), NoiseSource.seeded(7), StageListener.silent());
    assertArrayEquals(expected.data(), latents.data(), TOLERANCE);
  }

  @Test
  void partsAreLoadedOneAfterAnotherAndFreed() throws Exception {
    var video = pipeline.generate(request(), GenerationListener.silent());
    var denoising =
        List.of(
            "+text_encoder",
            "-text_encoder",
            "+transformer/conditioning",
            "-transformer/conditioning",
            "+transformer",
            "-transformer");
    assertEquals(denoising, model.parts().events());
    video.clip();
    assertEquals(
        List.of("+vae_decoder/first", "+vae_decoder", "-vae_decoder/first", "-vae_decoder"),
        model.parts().events().subList(6, model.parts().events().size()));
  }

  @Test
  void listener_hearsOfPhasesStepsAndFrames() {
    var heard = new ArrayList<String>();
    var sampling = request().sampling().withStages(threeStages());
    pipeline
        .generate(
            request().withSampling(sampling),
            new GenerationListener() {
              @Override
              public void onPhase(Phase phase) {
                heard.add(phase.toString());
              }

              @Override
              public void onStep(StepDone step) {
                assertTrue(step.seconds() >= 0);
                heard.add(
                    "stage %d step %d/%d, %d/%d"
                        .formatted(
                            step.stage().number(),
                            step.step(),
                            step.stageSteps(),
                            step.done(),
                            step.steps()));
              }

              @Override
              public void onFrame(int done, int frames) {
                heard.add("frame %d/%d".formatted(done, frames));
              }
            })
        .clip();
    var expected =
        new ArrayList<>(
            List.of(
                "TEXT",
                "DENOISING",
                "stage 3 step 1/1, 1/4",
                "stage 2 step 1/1, 2/4",
                "stage 1 step 1/2, 3/4",
                "stage 1 step 2/2, 4/4",
                "DECODING"));
    IntStream.rangeClosed(1, 17).forEach(i -> expected.add("frame %d/17".formatted(i)));
    assertEquals(expected, heard);
  }

  @Test
  void givenLatents_takeThePlaceOfTheFirstDraw() {
    Latents first = NoiseSource.seeded(7).draw(SHAPE);
    Latents given = generate(request().withNoise(new GivenNoise(first, NoiseSource.seeded(99))));
    assertArrayEquals(generate(request()).data(), given.data());
  }

  @Test
  void givenLatentsOfAnotherShape_areRefused() {
    var noise = new GivenNoise(Latents.zeros(SHAPE.withFrames(3)), NoiseSource.seeded(0));
    var error =
        assertThrows(IllegalArgumentException.class, () -> generate(request().withNoise(noise)));
    assertEquals(
        "initial latents: expected shape [1, 2, 5, 2, 4], found [1, 2, 3, 2, 4]",
        error.getMessage());
  }

  @Test
  void wrongRequest_isRefusedBeforeAnythingIsLoaded() {
    var request = asked().withSize(new VideoSize(16, 32, 13, 16)).of(model.parts().description());
    var staged = request.withSampling(request.sampling().withStages(threeStages()));
    var error = assertThrows(IllegalArgumentException.class, () -> generate(staged));
    assertEquals(
        "frames: 13 do not fit this model in stages with rates [2, 2];"
            + " the shortest that fits is 17",
        error.getMessage());
    assertEquals(List.of(), model.parts().events());
  }

  @Test
  void fewerStepsThanStages_areRefused() {
    var sampling = request().sampling().withStages(threeStages()).withSteps(2);
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> generate(request().withSampling(sampling)));
    assertEquals("steps: at least one for each of 3 stages, found 2", error.getMessage());
    assertEquals(List.of(), model.parts().events());
  }

  /** Everything of a plan that scales or times a prediction, each away from its default. */
  private static final StageConfig TRAINED =
      new StageConfig(
          GridFactor.ofTimes(2, 2),
          List.of(0.7, 0.4),
          List.of(),
          new FrameResampling(Downsampling.MEAN, Upsampling.LINEAR, FirstFrame.SHARED),
          SpaceResampling.blocks(),
          Targets.LATENT,
          PositionRules.scaled(),
          TargetScale.STAGE,
          Ends.CLEAN);

  private Latents asTrained() {
    Latents wanted = generate(request().withSampling(request().sampling().withStages(TRAINED)));
    model.parts().madeFor(TRAINED);
    return wanted;
  }

  @Test
  void requestThatLeavesStagesOpen_orSaysTheirNumber_keepsThePlanOfTheTraining() {
    float[] wanted = asTrained().data();
    assertArrayEquals(wanted, generate(request()).data());
    var counted = request().sampling().withStages(StageChoice.count(3));
    assertArrayEquals(wanted, generate(request().withSampling(counted)).data());
  }

  @Test
  void anotherNumberOfStages_isRefusedBeforeAnythingIsLoaded() {
    model.parts().madeFor(TRAINED);
    for (StageChoice other :
        List.of(
            StageChoice.count(1),
            StageChoice.count(2),
            StageChoice.of(StageConfig.vanilla()),
            StageChoice.of(StageConfig.vanilla().withRates(GridFactor.ofTimes(4))))) {
      var sampling = request().sampling().withStages(other);
      var error =
          assertThrows(
              IllegalArgumentException.class, () -> generate(request().withSampling(sampling)));
      assertTrue(
          String.valueOf(error.getMessage())
              .startsWith("stages: these weights were made for 3, found "));
    }
    assertEquals(List.of(), model.parts().events());
  }

  @Test
  void overrides_replaceOneThingEachAndAreNamed() {
    model.parts().madeFor(TRAINED);
    var said = new ArrayList<StageChoice.Decided>();
    var listener =
        new GenerationListener() {
          @Override
          public void onStages(StageChoice.Decided stages) {
            said.add(stages);
          }
        };
    var none = StageChoice.asTrained();
    var choice =
        new StageChoice(
            none.count(),
            none.rates(),
            List.of(0.8, 0.4),
            List.of(1, 1, 2),
            none.downsampling(),
            none.upsampling(),
            none.spaceDownsampling(),
            none.spaceUpsampling(),
            none.targets(),
            none.positions(),
            none.targetScale(),
            none.ends());
    pipeline.generate(request().withSampling(request().sampling().withStages(choice)), listener);
    assertEquals(
        List.of(
            new StageChoice.Decided(
                TRAINED.withBoundaries(List.of(0.8, 0.4)).withStepSplit(List.of(1, 1, 2)),
                List.of("boundaries [0.8, 0.4], trained with [0.7, 0.4]"))),
        said);
  }

  @Test
  void valuesThatAreNotFinite_stopTheRunAndFreeTheDenoiser() {
    model
        .parts()
        .with(
            LinearVideoModel.DENOISER,
            List.of("hidden_states", "timestep", "temporal_positions", "block0.k"),
            List.of("out_hidden_states"),
            in -> {
              float[] nan = new float[SHAPE.elements()];
              nan[3] = Float.NaN;
              return Map.of("out_hidden_states", Tensor.ofFloats(nan, 1, 2, 5, 2, 4));
            });
    var error = assertThrows(CheckpointException.class, () -> generate(request()));
    assertTrue(
        error.getMessage().startsWith("stage 1, step 1 of 4: the latents have values"),
        error.getMessage());
    assertEquals("-transformer", model.parts().events().get(model.parts().events().size() - 1));
  }

  @Test
  void predictionOfAnotherShape_isRefused() {
    model
        .parts()
        .with(
            LinearVideoModel.DENOISER,
            List.of("hidden_states", "timestep", "temporal_positions", "block0.k"),
            List.of("out_hidden_states"),
            in -> Map.of("out_hidden_states", Tensor.zeros(1, 2, 5, 2, 3)));
    var error = assertThrows(CheckpointException.class, () -> generate(request()));
    assertEquals(
        "transformer: out_hidden_states: expected [1, 2, 5, 2, 4], found [1, 2, 5, 2, 3]",
        error.getMessage());
  }

  @Test
  void video_hasTheFormatAndNumberOfItsFrames() {
    GeneratedVideo video = pipeline.generate(request(), GenerationListener.silent());
    VideoClip clip = video.clip();
    assertEquals(17, clip.frames());
    assertEquals(16, clip.height());
    assertEquals(32, clip.width());
    assertEquals(clip.format(), video.format());
  }
}
