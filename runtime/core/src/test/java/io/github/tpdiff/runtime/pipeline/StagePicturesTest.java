package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PictureUse.Given;
import io.github.tpdiff.runtime.model.PictureUse.Last;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What each stage is told of a picture where stages are videos of their own. The autoencoder gives,
 * of four frames and blocks of two by two pixels, the sum of red: a latent is known by hand. The
 * video has 9 frames of 16 x 16 in stages of 5 frames of 4 x 8, 9 of 8 x 16, and all.
 */
class StagePicturesTest {
  private static final List<GridFactor> RATES =
      List.of(new GridFactor(2, 2, 2), new GridFactor(1, 2, 1));

  private static final VideoSize SIZE = new VideoSize(16, 16, 9, 8);

  /** Rows and columns of the latents in the stages, and their frames. */
  private static final int[][] GRIDS = {{2, 2, 4}, {3, 4, 8}, {3, 8, 8}};

  /** What the network was told, call by call. */
  private final List<Tensor> told = new ArrayList<>();

  /** The sides of what the image encoder saw. */
  private final List<Long> seen = new ArrayList<>();

  private static Flow flow(PictureUse use) {
    String channels = "" + (1 + use.maskChannels(4));
    return new Flow(
            List.of(
                ComponentDescription.of(
                    "image_encoder",
                    Runs.PICTURE,
                    Map.of("sample", Flow.PICTURE),
                    Map.of("rows", "rows")),
                ComponentDescription.of(
                    ComponentDescription.VAE_ENCODER,
                    Runs.CHUNK,
                    Map.of("sample", Flow.PICTURE),
                    Map.of("latent_mean", "condition")),
                ComponentDescription.of(
                    "transformer",
                    Runs.STEP,
                    Map.of("condition", "condition", "rows", "rows"),
                    Map.of()),
                ComponentDescription.of("vae_decoder", Runs.CHUNK, Map.of(), Map.of())),
            List.of(Flow.Expert.alone("transformer")),
            List.of(),
            List.of(
                new Condition(
                    "rows",
                    ElementType.F32,
                    List.of("batch", "1"),
                    Condition.Follows.NOTHING,
                    true),
                new Condition(
                    "condition",
                    ElementType.F32,
                    List.of("batch", channels, "frames", "height", "width"),
                    Condition.Follows.FRAMES,
                    true)),
            Map.of())
        .withPictures(use);
  }

  private FunctionParts parts(PictureUse use) {
    ModelDescription linear = LinearVideoModel.description();
    var description =
        new ModelDescription(
            linear.family(),
            flow(use),
            new ModelDescription.Latents(1, 2, 4, true, 100, 2, List.of(0.0), List.of(1.0)),
            linear.targetScale(),
            linear.scheduler(),
            linear.schedulers(),
            linear.defaults());
    return new FunctionParts(description)
        .with("vae_decoder", List.of(), List.of(), in -> in)
        .with(
            "image_encoder",
            List.of("sample"),
            List.of("rows"),
            in -> {
              seen.add(get(in, "sample").shape()[3]);
              return Map.of("rows", Tensor.ofFloats(new float[] {5}, 1, 1));
            })
        .with(
            ComponentDescription.VAE_ENCODER,
            List.of("sample"),
            List.of("latent_mean"),
            in -> Map.of("latent_mean", sums(get(in, "sample"))))
        .with(
            "transformer",
            List.of("hidden_states", "timestep", "temporal_positions", "condition", "rows"),
            List.of("out_hidden_states"),
            in -> {
              assertThat(get(in, "rows").floats().get(0)).isEqualTo(5);
              told.add(get(in, "condition"));
              return Map.of("out_hidden_states", Tensor.zeros(get(in, "hidden_states").shape()));
            });
  }

  /** The sum of red over all frames and blocks of 2 x 2. */
  private static Tensor sums(Tensor sample) {
    long[] shape = sample.shape();
    int height = (int) shape[3];
    int width = (int) shape[4];
    float[] values = sample.toFloatArray();
    var sums = new float[height / 2 * (width / 2)];
    for (int i = 0; i < shape[2] * height * width; i++) {
      int y = i / width % height;
      int x = i % width;
      sums[y / 2 * (width / 2) + x / 2] += values[i];
    }
    return Tensor.ofFloats(sums, 1, 1, 1, height / 2, width / 2);
  }

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static RgbPicture picture(long seed) {
    var bytes = new byte[3 * 40 * 24];
    new Random(seed).nextBytes(bytes);
    return new RgbPicture(bytes, new PictureSize(40, 24));
  }

  private static StageConfig stages(FunctionParts parts, Targets targets) {
    return StageConfig.of(RATES, parts.description().latents().resampling()).withTargets(targets);
  }

  private static Latents generate(FunctionParts parts, Targets targets, boolean last) {
    Sampling sampling =
        Sampling.of(parts.description())
            .withSteps(3)
            .withGuidance(Guidance.none())
            .withStages(stages(parts, targets));
    var pictures =
        new RequestedPictures(
            picture(1), last ? Optional.of(picture(2)) : Optional.empty(), Optional.empty());
    var request =
        new VideoRequest("", "", Optional.of(pictures), SIZE, sampling, NoiseSource.seeded(1));
    return new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents();
  }

  /** The latents of a picture alone, of the stage of some latents. */
  private static float[] encoded(long seed, int rows, int columns) {
    var size = new PictureSize(2 * columns, 2 * rows);
    float[] frame = PictureGeometry.STRETCH.frame(picture(seed), size).data();
    return sums(Tensor.ofFloats(frame, 1, 3, 1, 2L * rows, 2L * columns)).toFloatArray();
  }

  private static void assertFrame(Tensor told, int channel, int frame, float... expected) {
    long[] shape = told.shape();
    int pixels = (int) (shape[3] * shape[4]);
    float[] all = told.toFloatArray();
    for (int i = 0; i < pixels; i++) {
      assertThat(all[(channel * (int) shape[2] + frame) * pixels + i])
          .as("channel %s, frame %s, place %s", channel, frame, i)
          .isCloseTo(expected[i % expected.length], within(1e-5f));
    }
  }

  @Test
  void everyStage_isToldOfAClipOfItsOwnSizeAndLength() {
    FunctionParts parts = parts(PictureUse.of(Given.CLIP, Last.OPTIONAL));
    generate(parts, Targets.PIXEL, true);
    assertThat(told).hasSize(3);
    for (int stage = 0; stage < 3; stage++) {
      int[] grid = GRIDS[stage];
      Tensor own = told.get(stage);
      assertThat(own.shape()).containsExactly(1, 5, grid[0], grid[1], grid[2]);
      for (int mask = 0; mask < 4; mask++) {
        assertFrame(own, mask, 0, 1);
        assertFrame(own, mask, grid[0] - 1, mask == 3 ? 1 : 0);
      }
      assertFrame(own, 4, 0, encoded(1, grid[1], grid[2]));
      assertFrame(own, 4, grid[0] - 1, encoded(2, grid[1], grid[2]));
      if (grid[0] == 3) {
        assertFrame(own, 4, 1, 0);
      }
    }
    assertThat(seen).containsExactly(16L);
    assertThat(parts.events())
        .startsWith("+image_encoder", "+vae_encoder")
        .endsWith("+transformer", "-transformer")
        .hasSize(6);
  }

  @Test
  void pictureInPlaceOfAFrame_isThatOfEachStage_andOfAllInTheEnd() {
    FunctionParts parts = parts(PictureUse.of(Given.FIRST_FRAME, Last.NEVER));
    Latents latents = generate(parts, Targets.PIXEL, false);
    for (int stage = 0; stage < 3; stage++) {
      int[] grid = GRIDS[stage];
      assertFrame(told.get(stage), 0, 0, 1);
      assertFrame(told.get(stage), 0, 1, 0);
      assertFrame(told.get(stage), 1, 0, encoded(1, grid[1], grid[2]));
      assertFrame(told.get(stage), 1, 1, 0);
    }
    float[] first = new float[64];
    System.arraycopy(latents.data(), 0, first, 0, 64);
    assertThat(first).containsExactly(encoded(1, 8, 8));
  }

  @Test
  void stagesOfLatentTargets_seeThePlacesOfTheFullGrid() {
    FunctionParts parts = parts(PictureUse.of(Given.FIRST_FRAME, Last.NEVER));
    generate(parts, Targets.LATENT, false);
    float[] full = encoded(1, 8, 8);
    var means = new float[2 * 4];
    for (int i = 0; i < 64; i++) {
      means[i / 8 / 4 * 4 + i % 8 / 2] += full[i] / 8;
    }
    assertFrame(told.get(0), 1, 0, means);
    assertFrame(told.get(2), 1, 0, full);
  }

  @Test
  void comparison_holdsThePicturesOfEveryStageAgainstEachOther() {
    var use = PictureUse.of(Given.FIRST_FRAME, Last.NEVER);
    FunctionParts parts = parts(use);
    var plan =
        StagePlan.of(
            stages(parts, Targets.PIXEL),
            Scheduler.fromConfig(parts.description().scheduler()).schedule(),
            new LatentShape(1, 1, 3, 8, 8).grid());
    FunctionParts other =
        parts(use)
            .with(
                ComponentDescription.VAE_ENCODER,
                List.of("sample"),
                List.of("latent_mean"),
                in -> {
                  Tensor sums = sums(get(in, "sample"));
                  float[] values = sums.toFloatArray();
                  values[0] += sums.shape()[3] == 2 ? 100 : 0;
                  return Map.of("latent_mean", Tensor.ofFloats(values, sums.shape()));
                })
            .with(
                "image_encoder",
                List.of("sample"),
                List.of("rows"),
                in -> Map.of("rows", Tensor.ofFloats(new float[] {5}, 1, 1)));
    FunctionParts silent = parts.without("transformer").without("vae_decoder");
    var errors = new PartsComparison(plan, new LatentShape(1, 1, 3, 8, 8)).compare(silent, other);
    assertThat(errors)
        .extracting(PartsComparison.PartError::part)
        .containsExactly(
            "image_encoder", "vae_encoder", "vae_encoder, stage 3", "vae_encoder, stage 2");
    assertThat(errors.get(1).maxError()).isZero();
    assertThat(errors.get(2).maxError()).isGreaterThan(1);
    assertThat(errors.get(3).maxError()).isZero();
  }

  @Test
  void sizeThatFollowsAPicture_dividesIntoTheStagesAlongEachSide() {
    FunctionParts parts = parts(PictureUse.of(Given.CLIP, Last.OPTIONAL));
    var pictures = new RequestedPictures(picture(1), Optional.empty(), Optional.empty());
    ModelDescription model = parts.description();
    // 16 x 32 pixels in the shape of 40 x 24: 29.2 x 17.5.
    assertThat(pictures.proposedSize(model, model.vanillaStages()))
        .contains(new PictureSize(28, 18));
    assertThat(pictures.proposedSize(model, stages(parts, Targets.PIXEL)))
        .contains(new PictureSize(28, 16));
  }
}
