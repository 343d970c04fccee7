package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A picture that one program scales, and another spreads over the frames of the clip. */
class PictureEncoderTest {
  private static final LatentShape CLIP = new LatentShape(1, 3, 4, 2, 2);

  private static Flow flow() {
    return new Flow(
        List.of(
            ComponentDescription.of(
                "image_encoder", Runs.PICTURE, Map.of("sample", Flow.PICTURE), Map.of("y", "half")),
            ComponentDescription.of(
                "image_latents",
                Runs.PICTURE,
                Map.of("x", "half", "frames_at", Flow.POSITIONS),
                Map.of("z", "picture_latents")),
            ComponentDescription.of(
                "transformer", Runs.STEP, Map.of("image", "picture_latents"), Map.of())),
        List.of(Flow.Expert.alone("transformer")),
        List.of(),
        List.of(
            new Condition(
                "picture_latents",
                ElementType.F32,
                List.of("batch", "3", "frames", "height", "width"),
                Condition.Follows.FRAMES,
                true)),
        Map.of());
  }

  private static Program halving() {
    Value x = Value.input("sample", 1, 3, 1, "height", "width");
    return new Program("halving", List.of(Graph.of("g", "y", x.times(0.5))), List.of("y"));
  }

  /** The picture, and 10 more for each frame: a broadcast over positions. */
  private static Program spreading() {
    Value x = Value.input("x", 1, 3, 1, "height", "width");
    Value positions = Value.input("frames_at", "frames");
    Value steps = positions.times(10).reshape(1, 1, "frames", 1, 1);
    return new Program("spreading", List.of(Graph.of("g", "z", x.plus(steps))), List.of("z"));
  }

  private static VideoModel model() {
    var none = MemoryTensors.builder().build();
    return VideoModel.of(
        LinearVideoModel.description().withFlow(flow()),
        List.of(
            new Component("image_encoder", halving(), none),
            new Component("image_latents", spreading(), none)),
        Tokenizers.none(),
        List.of());
  }

  private static Tensor picture() {
    var values = new float[3 * 4];
    for (int i = 0; i < values.length; i++) {
      values[i] = 2 * i;
    }
    return Tensor.ofFloats(values, 1, 3, 1, 2, 2);
  }

  @Test
  void pictureIsExpandedToTheClipsFrames() {
    try (VideoModel model = model();
        var engine = new ReferenceEngine();
        var pictures = PictureEncoder.open(PipelineParts.of(model, engine))) {
      Map<String, Tensor> values = pictures.encode(GivenPictures.first(picture()), CLIP);
      assertThat(values.keySet()).containsExactly("picture_latents");
      Tensor found = Objects.requireNonNull(values.get("picture_latents"));
      assertThat(found.shape()).containsExactly(1, 3, 4, 2, 2);
      var expected = new float[3 * 4 * 4];
      for (int i = 0; i < expected.length; i++) {
        int channel = i / 16;
        int frame = i / 4 % 4;
        expected[i] = 4 * channel + i % 4 + 10 * frame;
      }
      assertThat(found.toFloatArray()).containsExactly(expected);
      var conditions = new Conditions(flow(), values);
      Tensor staged =
          Objects.requireNonNull(
              conditions
                  .inputs(
                      "transformer",
                      CLIP.withFrames(2),
                      StageGrid.strided(CLIP.withFrames(2).grid(), 3))
                  .get("image"));
      assertThat(staged.shape()).containsExactly(1, 3, 2, 2, 2);
      assertThat(staged.toFloatArray()[4]).isEqualTo(30);
    }
  }

  @Test
  void use_isKnownByThePresenceOfEveryEncoder() {
    try (VideoModel model = model();
        var engine = new ReferenceEngine()) {
      assertThat(PictureEncoder.isUsed(PipelineParts.of(model, engine))).isTrue();
      VideoModel without = model.without(List.of("image_encoder"));
      assertThat(PictureEncoder.isUsed(PipelineParts.of(without, engine))).isFalse();
    }
    assertThat(PictureEncoder.isUsed(new LinearVideoModel().parts())).isFalse();
  }

  @Test
  void encoders_areLoadedWithTheFirstPictureAndFreedAtTheEnd() {
    var parts =
        new FunctionParts(LinearVideoModel.description().withFlow(flow()))
            .with("image_encoder", List.of("sample"), List.of("y"), in -> Map.of("y", picture()))
            .with(
                "image_latents",
                List.of("x", "frames_at"),
                List.of("z"),
                in -> Map.of("z", Tensor.zeros(1, 3, 4, 2, 2)));
    try (var pictures = PictureEncoder.open(parts)) {
      assertThat(parts.events()).isEmpty();
      pictures.encode(GivenPictures.first(picture()), CLIP);
      pictures.encode(GivenPictures.first(picture()), CLIP);
      assertThat(parts.events()).containsExactly("+image_encoder", "+image_latents");
    }
    assertThat(parts.events())
        .containsExactlyInAnyOrder(
            "+image_encoder", "+image_latents", "-image_encoder", "-image_latents");
  }

  @Test
  void outputThatIsNotThere_isNamed() {
    var parts =
        new FunctionParts(LinearVideoModel.description().withFlow(flow()))
            .with("image_encoder", List.of("sample"), List.of("q"), in -> Map.of("q", picture()))
            .with("image_latents", List.of("x"), List.of("z"), in -> in);
    try (var pictures = PictureEncoder.open(parts)) {
      assertThatThrownBy(() -> pictures.encode(GivenPictures.first(picture()), CLIP))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("image_encoder: expected a value 'y', found [q]");
    }
  }
}
