package io.github.tpdiff.adapters.wan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The codec in the weights of Wan 2.2's autoencoder, in the type that takes least place. */
final class ResidualCodecTest {
  private static final int SIDE = 64;
  private static final int AREA = SIDE * SIDE;

  @TempDir private Path temporary;
  private WanComponents.Vae vae;

  @BeforeEach
  void write() {
    Path folder = temporary.resolve("codec");
    var part =
        new MadeUpPart(
            "vae",
            MadeUpPart.DIFFUSERS_FILE,
            () -> WanSizes.programs(ResidualCodec.CONFIG),
            WanSizes.config(ResidualCodec.CONFIG),
            new ResidualCodec()::find);
    new MadeUpCheckpoint(
            "a codec",
            List.of(part),
            List.of("vae"),
            info -> 1,
            new MadeUpCheckpoint.Surroundings(Map.of(), List.of(), Optional.empty()))
        .write(
            new CheckpointTemplate.Order(folder, DType.BF16, List.of("vae"), (bytes, total) -> {}));
    vae = WanComponents.openVae(folder);
  }

  @AfterEach
  void close() {
    vae.components().values().forEach(component -> component.weights().close());
  }

  @Test
  void geometry_isThatOfThePublishedAutoencoder() {
    assertThat(vae.latents().channels()).isEqualTo(48);
    assertThat(vae.latents().spatialFactor()).isEqualTo(16);
    assertThat(vae.latents().temporalFactor()).isEqualTo(4);
  }

  /** A picture without detail comes back as it was, at every frame of a group. */
  @Test
  void plainPictures_comeBackInTheirColoursAtTheirTimes() {
    float[][] colours = {
      {0, 0.1f, 0.9f}, {0.5f, -0.3f, 0.1f}, {0.4f, 0, 0.2f}, {-0.6f, 0.7f, 0}, {0.8f, -0.8f, 0.3f}
    };
    var clip = new float[5][];
    for (int f = 0; f < clip.length; f++) {
      clip[f] = new float[3 * AREA];
      for (int i = 0; i < 3 * AREA; i++) {
        clip[f][i] = colours[f][i / AREA];
      }
    }
    float[][] shown = roundTrip(clip);
    for (int f = 0; f < clip.length; f++) {
      for (int c = 0; c < 3; c++) {
        // The picture's middle: its border fades, since convolutions see zeros beyond it.
        int at = c * AREA + SIDE / 2 * SIDE + SIDE / 2;
        assertThat(shown[f][at]).as("frame %s", f).isCloseTo(colours[f][c], offset(0.01f));
      }
    }
  }

  /** A red disc on blue that moves by more than 4 pixels a frame. */
  @Test
  void movingPicture_comesBackBlurredWhereItWas() {
    var clip = new float[5][];
    for (int f = 0; f < clip.length; f++) {
      clip[f] = disc(24 + 4 * f, 36 - 2 * f);
    }
    float[][] shown = roundTrip(clip);
    for (int f = 0; f < clip.length; f++) {
      // The edge of the disc is a step of more than 1 that means of 8×8 pixels blur.
      assertThat(rms(shown[f], clip[f])).as("error of frame %s", f).isLessThan(0.19);
      double[] at = centre(shown[f]);
      assertThat(at[0]).as("column in frame %s", f).isCloseTo(24 + 4 * f, offset(0.25));
      assertThat(at[1]).as("row in frame %s", f).isCloseTo(36 - 2 * f, offset(0.25));
      // Movement is not averaged away: it is this frame of the group and no other.
      for (int other = 0; other < clip.length; other++) {
        if (other != f) {
          assertThat(rms(shown[f], clip[other])).isGreaterThan(1.1 * rms(shown[f], clip[f]));
        }
      }
    }
  }

  /** A blue ground with a disc of radius 12 in red: [3, 64, 64]. */
  private static float[] disc(int column, int row) {
    var picture = new float[3 * AREA];
    for (int i = 0; i < AREA; i++) {
      int x = i % SIDE;
      int y = i / SIDE;
      boolean inside = Math.hypot(x - column, y - row) <= 12;
      picture[i] = inside ? 0.8f : -0.5f;
      picture[AREA + i] = -0.4f;
      picture[2 * AREA + i] = inside ? -0.6f : 0.5f;
    }
    return picture;
  }

  /** Where red outweighs blue: the mean place, weighted by how much. */
  private static double[] centre(float[] picture) {
    double column = 0;
    double row = 0;
    double total = 0;
    for (int i = 0; i < AREA; i++) {
      double weight = Math.max(0, picture[i] - picture[2 * AREA + i] - 0.2);
      column += weight * (i % SIDE);
      int y = i / SIDE;
      row += weight * y;
      total += weight;
    }
    return new double[] {column / total, row / total};
  }

  /** Of the pixels 8 and more from the border. */
  private static double rms(float[] found, float[] expected) {
    double sum = 0;
    int count = 0;
    for (int i = 0; i < found.length; i++) {
      int x = i % SIDE;
      int y = i / SIDE % SIDE;
      if (Math.min(Math.min(x, y), Math.min(SIDE - 1 - x, SIDE - 1 - y)) >= 8) {
        sum += Math.pow(found[i] - expected[i], 2);
        count++;
      }
    }
    return Math.sqrt(sum / count);
  }

  /** Five frames, each [3, 64, 64], to latents and back. */
  private float[][] roundTrip(float[][] clip) {
    var first =
        Codec.encode(
            vae,
            ComponentDescription.first(ComponentDescription.VAE_ENCODER),
            Map.of(),
            frames(clip, 0, 1));
    var next = Codec.encode(vae, ComponentDescription.VAE_ENCODER, first, frames(clip, 1, 5));
    var shown =
        Codec.decode(
            vae, ComponentDescription.first(ComponentDescription.VAE_DECODER), Map.of(), first);
    var following = Codec.decode(vae, ComponentDescription.VAE_DECODER, shown, next);
    var frames = new float[5][];
    for (int f = 0; f < 5; f++) {
      Tensor sample = Objects.requireNonNull((f == 0 ? shown : following).get("sample"));
      int count = f == 0 ? 1 : 4;
      frames[f] = new float[3 * AREA];
      for (int i = 0; i < 3 * AREA; i++) {
        int at = (i / AREA * count + Math.max(0, f - 1)) * AREA + i % AREA;
        frames[f][i] = sample.floats().get(at);
      }
    }
    return frames;
  }

  private static Tensor frames(float[][] clip, int from, int to) {
    int count = to - from;
    var values = new float[3 * count * AREA];
    for (int f = 0; f < count; f++) {
      for (int i = 0; i < 3 * AREA; i++) {
        values[(i / AREA * count + f) * AREA + i % AREA] = clip[from + f][i];
      }
    }
    return Tensor.ofFloats(values, 1, 3, count, SIDE, SIDE);
  }
}
