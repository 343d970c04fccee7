package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class LatentRgbTest {
  private static final int FACTOR = 4;
  private static final int CHANNELS = 5;
  private static final LatentShape SHAPE = new LatentShape(1, CHANNELS, 3, 4, 6);

  /** Colours are floats below 1. */
  private static final Offset<Float> EPS = within(1e-6f);

  /** Two frames a latent frame, the first alone, of statistics of its own. */
  private static final ModelDescription.Latents GEOMETRY =
      new ModelDescription.Latents(
              CHANNELS,
              FACTOR,
              2,
              true,
              100,
              FACTOR,
              List.of(0.1, 0.2, -0.3, 0.0, 1.0),
              List.of(1.0, 2.0, 0.5, 1.5, 0.7))
          .withFirstFrame(-0.2, 1.3);

  private final Random random = new Random(3);

  /** W [C, 3] and b [3], small enough that no colour is clipped. */
  private final double[][] map = new double[CHANNELS + 1][3];

  LatentRgbTest() {
    for (double[] row : map) {
      for (int colour = 0; colour < 3; colour++) {
        row[colour] = 0.02 * random.nextGaussian();
      }
    }
  }

  private Latents latents(LatentShape shape) {
    Latents latents = Latents.zeros(shape);
    for (int i = 0; i < latents.data().length; i++) {
      latents.data()[i] = (float) random.nextGaussian();
    }
    return latents;
  }

  /** W z + b, from the definition of normalised latents. */
  private double colour(Latents latents, int frame, int pixel, int colour) {
    double sum = map[CHANNELS][colour];
    for (int c = 0; c < CHANNELS; c++) {
      float x = latents.data()[(c * latents.frames() + frame) * latents.shape().pixels() + pixel];
      double mean = frame == 0 ? -0.2 : GEOMETRY.mean().get(c);
      double std = frame == 0 ? 1.3 : GEOMETRY.std().get(c);
      sum += map[c][colour] * (x * std + mean);
    }
    return sum;
  }

  /** What a decoder would make: the colour, with texture that has no mean in a block of pixels. */
  private VideoFrame decoded(Latents latents, int frame, double brighter) {
    int height = SHAPE.height() * FACTOR;
    int width = SHAPE.width() * FACTOR;
    var data = new float[3 * height * width];
    for (int i = 0; i < data.length; i++) {
      int x = i % width;
      int y = i / width % height;
      double texture = (x + y) % 2 == 0 ? 0.1 : -0.1;
      int latent = y / FACTOR * SHAPE.width() + x / FACTOR;
      data[i] = (float) (colour(latents, frame, latent, i / width / height) + texture + brighter);
    }
    return new VideoFrame(data, height, width, 0);
  }

  private LatentRgb fitted(Latents latents) {
    var fit = new LatentRgbFit(GEOMETRY, latents);
    fit.accept(decoded(latents, 0, 0));
    for (int frame = 1; frame < SHAPE.frames(); frame++) {
      fit.accept(decoded(latents, frame, 0.05));
      fit.accept(decoded(latents, frame, -0.05));
    }
    return fit.solve();
  }

  @Test
  void aLinearDecodersMap_isFound() {
    LatentRgb found = fitted(latents(SHAPE));
    Latents others = latents(SHAPE.withFrames(2));
    for (int frame = 0; frame < 2; frame++) {
      VideoFrame shown = found.frame(others, frame);
      assertThat(shown.height()).isEqualTo(SHAPE.height());
      assertThat(shown.width()).isEqualTo(SHAPE.width());
      for (int i = 0; i < shown.data().length; i++) {
        int pixels = SHAPE.pixels();
        assertThat(shown.data()[i])
            .isCloseTo((float) colour(others, frame, i % pixels, i / pixels), EPS);
      }
    }
  }

  @Test
  void coloursOutsideTheRange_areClipped() {
    LatentRgb found = fitted(latents(SHAPE));
    VideoFrame shown = found.frame(latents(SHAPE).times(1e6), 0);
    for (float value : shown.data()) {
      assertThat(Math.abs(value)).isEqualTo(1f);
    }
  }

  @Test
  void channelsThatDoNotVary_leaveColoursFinite() {
    Latents flat = latents(SHAPE);
    int channel = SHAPE.frames() * SHAPE.pixels();
    for (int i = 0; i < channel; i++) {
      flat.data()[i] = 0.5f; // no spread at all
      flat.data()[2 * channel + i] = flat.data()[channel + i]; // moves with another
    }
    VideoFrame shown = fitted(flat).frame(flat, 1);
    for (int i = 0; i < shown.data().length; i++) {
      int pixels = SHAPE.pixels();
      assertThat(shown.data()[i]).isCloseTo((float) colour(flat, 1, i % pixels, i / pixels), EPS);
    }
  }

  @Test
  void aProbe_findsTheMapOfAModelsDecoder() {
    FunctionParts parts = new LinearVideoModel().parts();
    parts.with(
        "vae_decoder/first",
        List.of("latent_sample"),
        List.of("sample"),
        in -> Map.of("sample", repeated(Objects.requireNonNull(in.get("latent_sample")), 1)));
    parts.with(
        "vae_decoder",
        List.of("latent_sample"),
        List.of("sample"),
        in -> Map.of("sample", repeated(Objects.requireNonNull(in.get("latent_sample")), 4)));
    LatentRgb found = LatentRgb.probe(parts);
    assertThat(parts.events()).contains("+vae_decoder/first", "-vae_decoder/first");
    // Latents that, denormalised, are x·2 + 0.5 and x·0.25 − 1.
    Latents pair = Latents.of(new LatentShape(1, 2, 1, 1, 1), new float[] {0.75f, -2});
    assertThat(found.frame(pair, 0).data())
        .containsExactly(
            new float[] {
              (float) (0.1 * 2 - 0.05 * -1.5 + 0.01),
              (float) (0.1 * 2 - 0.05 * -1.5 + 0.02),
              (float) (0.1 * 2 - 0.05 * -1.5 + 0.03)
            },
            EPS);
  }

  /** 0.1 z₀ − 0.05 z₁ and a hundredth more a colour, in 8 × 8 pixels of some frames each. */
  private static Tensor repeated(Tensor z, int frames) {
    int height = (int) z.shape()[3] * 8;
    int width = (int) z.shape()[4] * 8;
    int latents = height / 8 * (width / 8);
    var sample = new float[3 * frames * height * width];
    for (int i = 0; i < sample.length; i++) {
      int latent = i / width % height / 8 * (width / 8) + i % width / 8;
      sample[i] =
          0.1f * z.floats().get(latent)
              - 0.05f * z.floats().get(latents + latent)
              + 0.01f * (1 + i / width / height / frames);
    }
    return Tensor.ofFloats(sample, 1, 3, frames, height, width);
  }

  @Test
  void whatIsNoClipOfTheModel_isRefused() {
    LatentRgb found = fitted(latents(SHAPE));
    assertThatThrownBy(() -> found.frame(latents(new LatentShape(1, 4, 1, 2, 2)), 0))
        .hasMessage("latents: expected one clip of 5 channels, found [1, 4, 1, 2, 2]");
    assertThatThrownBy(() -> found.frame(latents(SHAPE), 3))
        .hasMessage("frame: expected 0 to 2, found 3");
  }

  @Test
  void framesThatAreNotOfTheLatents_areRefused() {
    var fit = new LatentRgbFit(GEOMETRY, latents(SHAPE));
    assertThatThrownBy(() -> fit.accept(new VideoFrame(new float[3 * 16], 4, 4, 0)))
        .hasMessage("frame 0: expected one of [1, 5, 3, 4, 6], 4 pixels a latent, found 4 x 4");
    assertThatThrownBy(fit::solve).hasMessage("no latent frame is decoded");
  }
}
