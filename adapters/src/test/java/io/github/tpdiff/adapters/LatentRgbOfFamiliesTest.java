package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.LatentRgb;
import io.github.tpdiff.runtime.pipeline.VaeEncoder;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The colours that are found for latents, beside what the family's own decoder makes of them. */
class LatentRgbOfFamiliesTest {
  private static final int SIDE = 64;

  /** Correlation over pixels and colours; miniFLUX, whose later frames differ most, has 0.88. */
  private static final double LEAST = 0.8;

  @TempDir private Path temporary;

  @ParameterizedTest
  @ValueSource(strings = {"wan-tiny", "animatediff-tiny", "miniflux-tiny"})
  void latentsOfAMovingBall_haveTheColoursOfItsVideo(String name) {
    ModelFamily family = family(name);
    CheckpointTemplate template = Objects.requireNonNull(family.templates().get(name));
    Path folder = temporary.resolve(name);
    template.write(
        new CheckpointTemplate.Order(
            folder, DType.F32, template.defaultComponents(), (written, total) -> {}));
    try (var model = family.open(folder);
        var engine = TorchEngine.cpu();
        var parts = PipelineParts.of(model, engine)) {
      ModelDescription.Latents geometry = parts.description().latents();
      Latents latents;
      try (var encoder = VaeEncoder.open(parts)) {
        latents = encoder.encode(ball(geometry.frames(3)));
      }
      VideoClip video = new GeneratedVideo(parts, latents, 8, GenerationListener.silent()).clip();
      LatentRgb colours = LatentRgb.probe(parts);
      for (int frame = 0; frame < 3; frame++) {
        VideoFrame shown = colours.frame(latents, frame);
        int from = frame == 0 ? 0 : geometry.frames(frame);
        float[] means = means(video, from, geometry.frames(frame + 1), geometry.spatialFactor());
        assertThat(correlation(shown.data(), means)).as("frame %s", frame).isGreaterThan(LEAST);
      }
    }
  }

  private static ModelFamily family(String template) {
    return ModelFamily.all().stream()
        .filter(family -> family.templates().containsKey(template))
        .findFirst()
        .orElseThrow();
  }

  /** A red ball on a ground from green to blue; it goes to the right. */
  private static VideoClip ball(int frames) {
    var data = new float[3 * frames * SIDE * SIDE];
    for (int i = 0; i < frames * SIDE * SIDE; i++) {
      int x = i % SIDE;
      int y = i / SIDE % SIDE;
      int frame = i / SIDE / SIDE;
      boolean ball = Math.hypot(x - 16 - 32.0 * frame / frames, y - 32) < 12;
      data[i] = ball ? 0.8f : -0.6f;
      data[frames * SIDE * SIDE + i] = ball ? -0.7f : 0.6f - y / 64f;
      data[2 * frames * SIDE * SIDE + i] = ball ? -0.7f : y / 64f - 0.4f;
    }
    return new VideoClip(data, frames, SIDE, SIDE, 8);
  }

  /** The means of the pixels and frames that a latent frame stands for, [3, H, W]. */
  private static float[] means(VideoClip video, int from, int to, int factor) {
    int side = SIDE / factor;
    var sums = new double[3 * side * side];
    for (int frame = from; frame < to; frame++) {
      float[] data = video.frame(frame).data();
      for (int i = 0; i < data.length; i++) {
        int row = i / SIDE;
        sums[(row / SIDE * side + row % SIDE / factor) * side + i % SIDE / factor] += data[i];
      }
    }
    var means = new float[sums.length];
    for (int i = 0; i < means.length; i++) {
      means[i] = (float) (sums[i] / factor / factor / (to - from));
    }
    return means;
  }

  private static double correlation(float[] one, float[] other) {
    double[] centred = centred(one);
    double[] against = centred(other);
    return dot(centred, against) / Math.sqrt(dot(centred, centred) * dot(against, against));
  }

  private static double[] centred(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    var centred = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      centred[i] = values[i] - sum / values.length;
    }
    return centred;
  }

  private static double dot(double[] one, double[] other) {
    double sum = 0;
    for (int i = 0; i < one.length; i++) {
      sum += one[i] * other[i];
    }
    return sum;
  }
}
