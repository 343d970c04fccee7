package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** x + timestep + what the conditioning makes of a picture's latents in the frame. */
class ConditionedNetworkTest {
  private static final String NETWORK = "unet";
  private static final String CONDITIONING = "unet/conditioning";
  private static final LatentShape SHAPE = new LatentShape(1, 1, 4, 1, 1);

  private static final StageGrid ALL = StageGrid.full(SHAPE.grid());

  private final FunctionParts parts = parts();

  private static Flow flow() {
    return new Flow(
        List.of(
            ComponentDescription.of(
                "image_latents", Runs.PICTURE, Map.of("x", Flow.PICTURE), Map.of("y", "picture_y")),
            ComponentDescription.of(
                CONDITIONING, Runs.STAGE, Map.of("frames_given", "picture_y"), Map.of()),
            ComponentDescription.of(NETWORK, Runs.STEP, Map.of(), Map.of())),
        List.of(Flow.Expert.alone(NETWORK)),
        List.of(),
        List.of(
            new Condition(
                "picture_y",
                ElementType.F32,
                List.of("batch", "1", "frames", "height", "width"),
                Condition.Follows.FRAMES,
                true)),
        Map.of());
  }

  private static FunctionParts parts() {
    return new FunctionParts(LinearVideoModel.description().withFlow(flow()))
        .with(
            CONDITIONING,
            List.of("frames_given"),
            List.of("k"),
            in -> Map.of("k", get(in, "frames_given")))
        .with(
            NETWORK,
            List.of("hidden_states", "timestep", "temporal_positions", "k"),
            List.of("out_hidden_states"),
            in -> {
              float[] x = get(in, "hidden_states").toFloatArray();
              float[] times = get(in, "timestep").toFloatArray();
              for (int i = 0; i < x.length; i++) {
                x[i] += times[i / (x.length / times.length)] + get(in, "k").floats().get(i);
              }
              return Map.of(
                  "out_hidden_states", Tensor.ofFloats(x, get(in, "hidden_states").shape()));
            });
  }

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static Conditions picture(float... frames) {
    return new Conditions(flow(), Map.of("picture_y", Tensor.ofFloats(frames, 1, 1, 4, 1, 1)));
  }

  /** Two frames of the clip's four, r from each other. */
  private static StageGrid strided(int r) {
    return StageGrid.strided(SHAPE.withFrames(2).grid(), r);
  }

  private static Latents latents(float... values) {
    return Latents.of(SHAPE.withFrames(values.length), values);
  }

  @Test
  void absentConditions_stillGiveAPredictionForEach_inOnePass() {
    var nothing = new Conditions(flow(), Map.of());
    try (DenoiserSession network = DenoiserSession.of(parts, NETWORK);
        var asked = ConditionedNetwork.together(network, NETWORK, List.of(nothing, nothing))) {
      List<Latents> found = asked.predict(latents(1, 2, 3, 4), 5, ALL);
      assertThat(found).hasSize(2);
      assertThat(found.get(0).data()).containsExactly(6, 7, 8, 9);
      assertThat(found.get(1).data()).containsExactly(6, 7, 8, 9);
    }
  }

  @Test
  void conditionsThatFollowTheStage_areHandedOverOnceAStage() {
    try (DenoiserSession network = DenoiserSession.of(parts, NETWORK);
        var asked = ConditionedNetwork.inTurn(network, NETWORK, List.of(picture(10, 20, 30, 40)))) {
      assertThat(asked.denoiser().predict(latents(1, 2), 0.5, strided(3)).data())
          .containsExactly(11.5f, 42.5f);
      asked.denoiser().predict(latents(1, 2), 0.25, strided(3));
      assertThat(asked.denoiser().predict(latents(1, 2), 0.5, strided(2)).data())
          .containsExactly(11.5f, 32.5f);
      assertThat(asked.denoiser().predict(latents(0, 0, 0, 0), 1, ALL).data())
          .containsExactly(11, 21, 31, 41);
    }
    assertThat(parts.events())
        .containsExactly(
            "+unet/conditioning",
            "-unet/conditioning",
            "+unet",
            "+unet/conditioning",
            "-unet/conditioning",
            "+unet/conditioning",
            "-unet/conditioning",
            "-unet");
  }

  @Test
  void absentPicture_isZerosInEveryStage() {
    try (DenoiserSession network = DenoiserSession.of(parts, NETWORK);
        var asked =
            ConditionedNetwork.inTurn(
                network, NETWORK, List.of(new Conditions(flow(), Map.of())))) {
      assertThat(asked.denoiser().predict(latents(1, 2), 0.5, strided(3)).data())
          .containsExactly(1.5f, 2.5f);
      assertThat(asked.denoiser().predict(latents(1, 2, 3, 4), 0.5, ALL).data())
          .containsExactly(1.5f, 2.5f, 3.5f, 4.5f);
    }
  }

  @Test
  void eachClipOfABatch_hasItsOwnTimestepUnderEveryCondition() {
    Conditions both = Conditions.join(List.of(picture(1, 1, 1, 1), picture(2, 2, 2, 2)));
    Conditions other = Conditions.join(List.of(picture(5, 5, 5, 5), picture(6, 6, 6, 6)));
    Latents x = Latents.of(SHAPE.withBatch(2).withFrames(1), new float[] {100, 200});
    try (DenoiserSession network = DenoiserSession.of(parts, NETWORK);
        var inTurn = ConditionedNetwork.inTurn(network, NETWORK, List.of(both, other));
        var together = ConditionedNetwork.together(network, NETWORK, List.of(both, other))) {
      for (ConditionedNetwork asked : List.of(inTurn, together)) {
        List<Latents> found =
            asked.predict(x, List.of(10.0, 20.0), StageGrid.full(x.shape().grid()));
        assertThat(found).hasSize(2);
        assertThat(found.get(0).data()).containsExactly(111, 222);
        assertThat(found.get(1).data()).containsExactly(115, 226);
      }
    }
  }

  @Test
  void predictionOfAnotherShape_isRefused() {
    parts.with(
        NETWORK,
        List.of("hidden_states", "timestep", "temporal_positions", "k"),
        List.of("out_hidden_states"),
        in -> Map.of("out_hidden_states", Tensor.zeros(1, 1, 2, 1, 2)));
    try (DenoiserSession network = DenoiserSession.of(parts, NETWORK);
        var asked = ConditionedNetwork.inTurn(network, NETWORK, List.of(picture(0, 0, 0, 0)))) {
      assertThatThrownBy(() -> asked.predict(latents(1, 2), 0, strided(1)))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("unet: out_hidden_states: expected [1, 1, 2, 1, 1], found [1, 1, 2, 1, 2]");
    }
  }
}
