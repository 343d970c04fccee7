package io.github.tpdiff.runtime.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class VaeTest {
  private static final LatentShape SHAPE = new LatentShape(1, 2, 3, 2, 4);
  private static final float EPS = 1e-6f;

  private final LinearVideoModel model = new LinearVideoModel();

  /** Latents whose frames, denormalised, have these means: x·2 + 0.5 and x·0.25 − 1. */
  private static Latents latents(float... values) {
    Latents latents = Latents.zeros(SHAPE);
    for (int i = 0; i < latents.data().length; i++) {
      latents.data()[i] = values[i / SHAPE.pixels() % values.length];
    }
    return latents;
  }

  @Test
  void decoder_denormalisesAndCarriesStateFromChunkToChunk() {
    var frames = new ArrayList<VideoFrame>();
    try (var decoder = VaeDecoder.open(model.parts())) {
      decoder.<RuntimeException>decode(latents(0, 1, -2), 16, frames::add);
    }
    // Means of z: x·1.125 − 0.25; the sum of the means before is the state.
    double[] z = {-0.25, 0.875, -2.5};
    double[] expected = {
      z[0] / 10,
      z[1] / 10 + z[0] / 100,
      z[1] / 10 + z[0] / 100 + 0.001,
      z[1] / 10 + z[0] / 100 + 0.002,
      z[1] / 10 + z[0] / 100 + 0.003,
      z[2] / 10 + (z[0] + z[1]) / 100,
      z[2] / 10 + (z[0] + z[1]) / 100 + 0.001,
      z[2] / 10 + (z[0] + z[1]) / 100 + 0.002,
      z[2] / 10 + (z[0] + z[1]) / 100 + 0.003,
    };
    assertEquals(expected.length, frames.size());
    for (int f = 0; f < expected.length; f++) {
      VideoFrame frame = frames.get(f);
      assertEquals(16, frame.height());
      assertEquals(32, frame.width());
      assertEquals(f / 16.0, frame.seconds());
      assertEquals(expected[f], frame.data()[0], EPS, "frame " + f);
      assertEquals(expected[f], frame.data()[16 * 32 - 1], EPS, "frame " + f);
      assertEquals(0, frame.data()[16 * 32], "green of frame " + f);
    }
  }

  @Test
  void decoder_startsEveryClipAnew() {
    var first = new ArrayList<Float>();
    var second = new ArrayList<Float>();
    try (var decoder = VaeDecoder.open(model.parts())) {
      decoder.<RuntimeException>decode(latents(3, 1, -2), 16, f -> first.add(f.data()[0]));
      decoder.<RuntimeException>decode(latents(3, 1, -2), 16, f -> second.add(f.data()[0]));
    }
    assertEquals(first, second);
    assertEquals(
        List.of("+vae_decoder/first", "+vae_decoder", "-vae_decoder/first", "-vae_decoder"),
        model.parts().events());
  }

  @Test
  void decoder_deliversFramesBeforeTheNextChunkRuns() {
    var seen = new ArrayList<Integer>();
    model
        .parts()
        .with(
            "vae_decoder",
            List.of("latent_sample"),
            List.of("sample"),
            in -> {
              throw new CheckpointException("after " + seen.size());
            });
    try (var decoder = VaeDecoder.open(model.parts())) {
      var error =
          assertThrows(
              CheckpointException.class,
              () ->
                  decoder.<RuntimeException>decode(
                      latents(0, 1, 2), 16, frame -> seen.add(frame.height())));
      assertEquals("after 1", error.getMessage());
    }
  }

  @Test
  void decoder_clampsFrames() {
    var frames = new ArrayList<VideoFrame>();
    try (var decoder = VaeDecoder.open(model.parts())) {
      decoder.<RuntimeException>decode(latents(1000, -1000, 0), 16, frames::add);
    }
    assertEquals(1f, frames.get(0).data()[0]);
    assertEquals(-1f, frames.get(1).data()[0]);
  }

  @Test
  void encoder_normalisesAndCarriesStateFromChunkToChunk() {
    int plane = 16 * 32;
    var data = new float[3 * 9 * plane];
    for (int i = 0; i < data.length; i++) {
      data[i] = i / plane % 9 / 10f;
    }
    Latents latents;
    try (var encoder = VaeEncoder.open(model.parts())) {
      latents = encoder.encode(new VideoClip(data, 9, 16, 32, 16));
    }
    // Frame values 0 | 0.1 to 0.4 | 0.5 to 0.8; each chunk adds ten times the mean before.
    double[] means = {0, 0.25, 0.65 + 2.5};
    assertEquals(new LatentShape(1, 2, 3, 2, 4), latents.shape());
    for (int f = 0; f < 3; f++) {
      assertEquals((means[f] - 0.5) / 2, latents.data()[f * 8], 1e-5, "frame " + f);
      assertEquals((means[f] + 1) / 0.25, latents.data()[(3 + f) * 8 + 7], 1e-5, "frame " + f);
    }
  }

  @Test
  void encoder_namesTheNearestLengths() {
    try (var encoder = VaeEncoder.open(model.parts())) {
      var clip = new VideoClip(new float[3 * 7 * 16 * 32], 7, 16, 32, 16);
      var error = assertThrows(IllegalArgumentException.class, () -> encoder.encode(clip));
      assertEquals(
          "frames: 7 do not fit this model; the nearest that fit are 5 and 9", error.getMessage());
    }
  }

  @Test
  void frameWiseVae_hasNoFirstAndNoState() {
    var geometry = new ModelDescription.Latents(1, 8, 1, false, 100, 8, List.of(0.0), List.of(0.5));
    var linear = LinearVideoModel.description();
    var parts =
        new FunctionParts(
                new ModelDescription(
                    "frames",
                    linear.flow(),
                    geometry,
                    linear.targetScale(),
                    linear.scheduler(),
                    linear.schedulers(),
                    linear.defaults()))
            .with(
                "vae_decoder",
                List.of("latent_sample"),
                List.of("sample"),
                in -> {
                  float z = Objects.requireNonNull(in.get("latent_sample")).floats().get(0);
                  var sample = new float[3 * 64];
                  Arrays.fill(sample, z);
                  return Map.of("sample", Tensor.ofFloats(sample, 1, 3, 1, 8, 8));
                });
    var values = new ArrayList<Float>();
    try (var decoder = VaeDecoder.open(parts)) {
      var latents = Latents.of(new LatentShape(1, 1, 3, 1, 1), new float[] {0.5f, -1, 1});
      decoder.<RuntimeException>decode(latents, 8, frame -> values.add(frame.data()[0]));
    }
    assertEquals(List.of(0.25f, -0.5f, 0.5f), values);
  }

  /** (0, 3) in the first latent frame, (1, 0.5) in the later ones. */
  @Test
  void firstFrameOfItsOwnStatistics_isScaledByThem() {
    var geometry =
        new ModelDescription.Latents(1, 8, 1, false, 100, 8, List.of(1.0), List.of(0.5))
            .withFirstFrame(0, 3);
    var linear = LinearVideoModel.description();
    var parts =
        new FunctionParts(
                new ModelDescription(
                    "frames",
                    linear.flow(),
                    geometry,
                    linear.targetScale(),
                    linear.scheduler(),
                    linear.schedulers(),
                    linear.defaults()))
            .with(
                "vae_decoder",
                List.of("latent_sample"),
                List.of("sample"),
                in -> {
                  float z = Objects.requireNonNull(in.get("latent_sample")).floats().get(0);
                  var sample = new float[3 * 64];
                  Arrays.fill(sample, z);
                  return Map.of("sample", Tensor.ofFloats(sample, 1, 3, 1, 8, 8));
                })
            .with(
                "vae_encoder",
                List.of("sample"),
                List.of("latent_mean"),
                in -> {
                  float mean = Objects.requireNonNull(in.get("sample")).floats().get(0);
                  return Map.of("latent_mean", Tensor.ofFloats(new float[] {mean}, 1, 1, 1, 1, 1));
                });
    var frames = new ArrayList<VideoFrame>();
    try (var decoder = VaeDecoder.open(parts)) {
      var latents = Latents.of(new LatentShape(1, 1, 3, 1, 1), new float[] {0.25f, -1, -3});
      decoder.<RuntimeException>decode(latents, 8, frames::add);
    }
    assertEquals(
        List.of(0.75f, 0.5f, -0.5f), frames.stream().map(frame -> frame.data()[0]).toList());
    try (var encoder = VaeEncoder.open(parts)) {
      assertArrayEquals(
          new float[] {0.25f, -1, -3}, encoder.encode(VideoClip.of(frames, 8)).data(), EPS);
    }
  }

  @Test
  void stateThatNobodyGives_isNamed() {
    model.parts().without("vae_decoder/first");
    try (var decoder = VaeDecoder.open(model.parts())) {
      var error =
          assertThrows(
              CheckpointException.class,
              () -> decoder.<RuntimeException>decode(latents(0), 16, frame -> {}));
      assertEquals(
          "vae_decoder: input sum: expected an output sum.next of the chunk before, found none",
          error.getMessage());
    }
  }

  @Test
  void absentVae_isNamed() {
    model.parts().without("vae_encoder/first").without("vae_encoder");
    var error = assertThrows(CheckpointException.class, () -> VaeEncoder.open(model.parts()));
    assertEquals(
        "functions: a clip needs vae encoder: found no vae encoder, only text encoder,"
            + " transformer, vae decoder",
        error.getMessage());
  }
}
