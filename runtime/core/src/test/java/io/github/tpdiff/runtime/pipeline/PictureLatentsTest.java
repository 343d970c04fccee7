package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PictureUse.Given;
import io.github.tpdiff.runtime.model.PictureUse.Last;
import io.github.tpdiff.runtime.model.Runs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * A VAE of one channel, four frames and sixteen pixels to a latent, that gives the sum of its
 * chunk; the clip has two latent frames of one latent each, nine pixel frames less four.
 */
class PictureLatentsTest {
  private static final int SIDE = 16;
  private static final LatentShape CLIP = new LatentShape(1, 1, 2, 1, 1);
  private static final double MEAN = 0.5;
  private static final double STD = 2;

  /** The sums of the chunks that were encoded. */
  private final List<Float> encoded = new ArrayList<>();

  private static Flow flow(PictureUse use) {
    int channels = 1 + use.maskChannels(4);
    return new Flow(
            List.of(
                ComponentDescription.of(
                    ComponentDescription.VAE_ENCODER,
                    Runs.CHUNK,
                    Map.of("sample", Flow.PICTURE),
                    Map.of("latent_mean", "condition")),
                ComponentDescription.of(
                    "transformer", Runs.STEP, Map.of("condition", "condition"), Map.of())),
            List.of(Flow.Expert.alone("transformer")),
            List.of(),
            List.of(
                new Condition(
                    "condition",
                    ElementType.F32,
                    List.of("batch", "" + channels, "frames", "height", "width"),
                    Condition.Follows.FRAMES,
                    true)),
            Map.of())
        .withPictures(use);
  }

  private FunctionParts parts(PictureUse use) {
    ModelDescription linear = LinearVideoModel.description();
    var latents =
        new ModelDescription.Latents(1, SIDE, 4, true, 100, SIDE, List.of(MEAN), List.of(STD));
    var description =
        new ModelDescription(
            linear.family(),
            flow(use),
            latents,
            linear.targetScale(),
            linear.scheduler(),
            linear.schedulers(),
            linear.defaults());
    return new FunctionParts(description)
        .with(
            ComponentDescription.VAE_ENCODER,
            List.of("sample"),
            List.of("latent_mean"),
            in -> {
              float sum = 0;
              for (float value : Objects.requireNonNull(in.get("sample")).toFloatArray()) {
                sum += value;
              }
              encoded.add(sum);
              return Map.of("latent_mean", Tensor.ofFloats(new float[] {sum}, 1, 1, 1, 1, 1));
            });
  }

  /** One pixel of a value in a black picture. */
  private static Tensor picture(float value) {
    Tensor picture = Tensor.zeros(1, 3, 1, SIDE, SIDE);
    picture.floats().put(SIDE * SIDE, value);
    return picture;
  }

  private static float normalised(double sum) {
    return (float) ((sum - MEAN) / STD);
  }

  private float[] encode(PictureUse use, GivenPictures pictures, LatentShape clip) {
    try (var encoder = PictureEncoder.open(parts(use))) {
      Tensor found = Objects.requireNonNull(encoder.encode(pictures, clip).get("condition"));
      assertThat(found.shape())
          .containsExactly(1, 1 + use.maskChannels(4), clip.frames(), clip.height(), clip.width());
      return found.toFloatArray();
    }
  }

  @Test
  void clip_isGreyBehindThePicture_andTheMaskMarksAllFramesOfTheFirstLatent() {
    var use = PictureUse.of(Given.CLIP, Last.OPTIONAL);
    assertThat(encode(use, GivenPictures.first(picture(3)), CLIP))
        .containsExactly(1, 0, 1, 0, 1, 0, 1, 0, normalised(3), normalised(0));
    assertThat(encoded).containsExactly(3f, 0f);
  }

  @Test
  void lastPicture_isTheLastFrameOfTheClip_andItsMaskTheLastOfFour() {
    var use = PictureUse.of(Given.CLIP, Last.OPTIONAL);
    var both = new GivenPictures(picture(3), Optional.of(picture(7)), Optional.empty());
    assertThat(encode(use, both, CLIP))
        .containsExactly(1, 0, 1, 0, 1, 0, 1, 1, normalised(3), normalised(7));
  }

  @Test
  void firstFrame_isThePictureAlone_andZerosFollow() {
    var use = PictureUse.of(Given.FIRST_FRAME, Last.NEVER);
    assertThat(encode(use, GivenPictures.first(picture(3)), CLIP))
        .containsExactly(1, 0, normalised(3), 0);
    assertThat(encoded).containsExactly(3f);
  }

  @Test
  void frameThatAPictureGives_takesThePlaceOfTheSampledOne() {
    var use = PictureUse.of(Given.FIRST_FRAME, Last.NEVER);
    var shape = new LatentShape(1, 1, 3, 1, 1);
    Latents sampled = Latents.of(shape, new float[] {10, 11, 12});
    float[] condition = encode(use, GivenPictures.first(picture(3)), shape);
    var told =
        new Conditions(flow(use), Map.of("condition", Tensor.ofFloats(condition, 1, 2, 3, 1, 1)));
    assertThat(told.givenFrames(1)).containsExactly(1);
    assertThat(told.withGivenFrames(sampled).data()).containsExactly(normalised(3), 11, 12);
    var none = new Conditions(flow(use), Map.of());
    assertThat(none.givenFrames(1)).containsExactly(0);
    assertThat(none.withGivenFrames(sampled)).isSameAs(sampled);
    assertThat(Conditions.join(List.of(none, told)).givenFrames(2)).containsExactly(0, 1);
  }

  @Test
  void channelsBesideTheNoise_giveNoFrame() {
    var use = PictureUse.of(Given.CLIP, Last.NEVER);
    float[] condition = encode(use, GivenPictures.first(picture(3)), CLIP);
    var told =
        new Conditions(flow(use), Map.of("condition", Tensor.ofFloats(condition, 1, 5, 2, 1, 1)));
    assertThat(told.givenFrames(1)).containsExactly(0);
    Latents sampled = Latents.zeros(CLIP);
    assertThat(told.withGivenFrames(sampled)).isSameAs(sampled);
  }

  @Test
  void picturesOfDifferentSizes_areRefused() {
    Tensor other = Tensor.zeros(1, 3, 1, SIDE, 2 * SIDE);
    assertThatThrownBy(() -> new GivenPictures(picture(1), Optional.of(other), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("last picture: expected the first one's size");
  }

  @Test
  void lengthThatIsLeftOpen_dividesIntoTheStages() {
    var latents =
        new ModelDescription.Latents(1, SIDE, 4, true, 100, SIDE, List.of(0.0), List.of(1.0));
    for (int[] known :
        new int[][] {{1, 121, 121}, {2, 121, 121}, {3, 121, 113}, {3, 81, 81}, {3, 3, 17}}) {
      var stages =
          io.github.tpdiff.runtime.diffusion.StageConfig.pyramid(known[0], latents.resampling());
      assertThat(latents.framesFor(stages, known[1]))
          .as(Arrays.toString(known))
          .isEqualTo(known[2]);
    }
  }
}
