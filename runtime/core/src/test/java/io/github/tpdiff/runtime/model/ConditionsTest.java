package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.primitives.Floats;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A network that is told a text with its mask, and may be told a picture's latents. */
class ConditionsTest {
  private static final String NETWORK = "transformer";
  private static final LatentShape CLIP = new LatentShape(1, 2, 5, 2, 3);
  private static final Flow FLOW = flow();

  private static Flow flow() {
    var text = new Text("tokenizer", 2, Text.Cleaning.NONE, Text.Padding.ENCODED);
    return new Flow(
        List.of(
            ComponentDescription.of(
                "text_encoder",
                Runs.PROMPT,
                Map.of("input_ids", text.ids()),
                Map.of("last_hidden_state", "states")),
            ComponentDescription.of(
                "vae_encoder", Runs.PICTURE, Map.of("x", Flow.PICTURE), Map.of("y", "latents")),
            ComponentDescription.of(
                NETWORK,
                Runs.STEP,
                Map.of("context", "states", "mask", text.mask(), "image_latents", "latents"),
                Map.of())),
        List.of(Flow.Expert.alone(NETWORK)),
        List.of(text),
        List.of(
            new Condition(
                "states",
                ElementType.F32,
                List.of("batch", "text", "1"),
                Condition.Follows.NOTHING,
                false),
            new Condition(
                text.mask(),
                ElementType.I64,
                List.of("batch", "text"),
                Condition.Follows.NOTHING,
                true),
            new Condition(
                "latents",
                ElementType.F32,
                List.of("batch", "2", "frames", "height", "width"),
                Condition.Follows.FRAMES,
                true)),
        Map.of("text", 2L));
  }

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static Tensor states(float first) {
    return Tensor.ofFloats(new float[] {first, first + 1}, 1, 2, 1);
  }

  /** [1, 2, 5, 2, 3] whose value is 100·channel + 10·frame, and a tenth more for each pixel. */
  private static Tensor pictureLatents() {
    var values = new float[2 * 5 * 6];
    for (int i = 0; i < values.length; i++) {
      int channel = i / 30;
      int frame = i / 6 % 5;
      values[i] = 100 * channel + 10 * frame + i % 6 / 10f;
    }
    return Tensor.ofFloats(values, 1, 2, 5, 2, 3);
  }

  /** What the network is told of a stage of every r-th frame. */
  private static Map<String, Tensor> inputs(Conditions conditions, LatentShape stage, int r) {
    return conditions.inputs(NETWORK, stage, StageGrid.strided(stage.grid(), r));
  }

  @Test
  void framesAreThoseOfTheStagesPositions() {
    var conditions = new Conditions(FLOW, Map.of("states", states(1), "latents", pictureLatents()));
    Tensor found = get(inputs(conditions, CLIP.withFrames(2), 3), "image_latents");
    assertThat(found.shape()).containsExactly(1, 2, 2, 2, 3);
    var expected = new float[2 * 2 * 6];
    int[] positions = {0, 3};
    for (int i = 0; i < expected.length; i++) {
      int channel = i / 12;
      expected[i] = 100 * channel + 10 * positions[i / 6 % 2] + i % 6 / 10f;
    }
    assertThat(found.toFloatArray()).containsExactly(expected);
    assertThat(conditions.followStages(NETWORK)).isTrue();
    assertThat(conditions.followStages("text_encoder")).isFalse();
  }

  @Test
  void positionBeyondTheClip_isRefused() {
    var conditions = new Conditions(FLOW, Map.of("states", states(1), "latents", pictureLatents()));
    assertThatThrownBy(() -> inputs(conditions, CLIP.withFrames(2), 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("latents: expected a frame for position 5, found 5 frames");
  }

  @Test
  void absentOptionalConditions_areZerosOfTheStagesShape() {
    var conditions = new Conditions(FLOW, Map.of("states", states(4)));
    var inputs = inputs(conditions, CLIP.withFrames(3), 2);
    assertThat(inputs.keySet()).containsExactlyInAnyOrder("context", "mask", "image_latents");
    assertThat(get(inputs, "context").toFloatArray()).containsExactly(4, 5);
    assertThat(get(inputs, "image_latents").shape()).containsExactly(1, 2, 3, 2, 3);
    assertThat(get(inputs, "image_latents").toFloatArray()).containsOnly(0);
    assertThat(get(inputs, "mask").type()).isEqualTo(ElementType.I64);
    assertThat(get(inputs, "mask").shape()).containsExactly(1, 2);
    assertThat(get(inputs, "mask").longs().get(1)).isZero();
  }

  @Test
  void absentConditionThatIsNeeded_isNamed() {
    var conditions = new Conditions(FLOW, Map.of());
    assertThatThrownBy(() -> inputs(conditions, CLIP, 1))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("transformer: expected the condition 'states', found none");
  }

  @Test
  void joinedClips_areABatchInTheirOrder() {
    Conditions joined =
        Conditions.join(
            List.of(
                new Conditions(FLOW, Map.of("states", states(1))),
                new Conditions(FLOW, Map.of("states", states(10))),
                new Conditions(FLOW, Map.of("states", states(20)))));
    assertThat(get(joined.values(), "states").shape()).containsExactly(3, 2, 1);
    assertThat(get(joined.values(), "states").toFloatArray()).containsExactly(1, 2, 10, 11, 20, 21);
    Map<String, Tensor> inputs =
        ConditionedNetwork.inputs(joined, NETWORK, CLIP.withBatch(3), StageGrid.full(CLIP.grid()));
    assertThat(get(inputs, "image_latents").shape()).containsExactly(3, 2, 5, 2, 3);
  }

  @Test
  void clipOfABatch_isToldZerosOfWhatOnlyOthersAreTold() {
    Tensor latents = pictureLatents();
    var with = new Conditions(FLOW, Map.of("states", states(1), "latents", latents));
    var without = new Conditions(FLOW, Map.of("states", states(1)));
    float[] told = latents.toFloatArray();
    float[] first = get(Conditions.join(List.of(with, without)).values(), "latents").toFloatArray();
    float[] second =
        get(Conditions.join(List.of(without, with)).values(), "latents").toFloatArray();
    float[] zeros = new float[told.length];
    assertThat(first).containsExactly(Floats.concat(told, zeros));
    assertThat(second).containsExactly(Floats.concat(zeros, told));
  }

  @Test
  void indicesThatOnlyOthersAreTold_areZerosOfTheirOwnType() {
    String mask = FLOW.texts().get(0).mask();
    var with =
        new Conditions(
            FLOW, Map.of("states", states(1), mask, Tensor.ofLongs(new long[] {1, 1}, 1, 2)));
    var without = new Conditions(FLOW, Map.of("states", states(1)));
    Tensor joined = get(Conditions.join(List.of(without, with)).values(), mask);
    assertThat(joined.shape()).containsExactly(2, 2);
    var found = new long[4];
    joined.longs().get(found);
    assertThat(found).containsExactly(0, 0, 1, 1);
  }

  @Test
  void batchWhereOneClipLacksAConditionThatIsNeeded_isRefused() {
    var with = new Conditions(FLOW, Map.of("states", states(1)));
    var without = new Conditions(FLOW, Map.of());
    for (List<Conditions> batch : List.of(List.of(with, without), List.of(without, with))) {
      assertThatThrownBy(() -> Conditions.join(batch))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("conditions: expected 'states' of every clip of a batch, found none in one");
    }
  }

  @Test
  void otherValues_takeThePlaceOfThoseOfTheirNames() {
    Conditions conditions =
        new Conditions(FLOW, Map.of("states", states(1))).with(Map.of("states", states(7)));
    assertThat(get(conditions.values(), "states").toFloatArray()).containsExactly(7, 8);
  }

  private static final LatentGrid COARSE = new LatentGrid(2, 2, 3);

  /** A picture on the full grid, and in the stage of two frames one of its own. */
  private static Conditions ownPicture(float of) {
    var own = new float[2 * 2 * 6];
    Arrays.fill(own, of);
    return new Conditions(
        FLOW,
        Map.of("states", states(1), "latents", pictureLatents()),
        Map.of(COARSE, Map.of("latents", Tensor.ofFloats(own, 1, 2, 2, 2, 3))));
  }

  @Test
  void stageThatIsAVideoOfItsOwn_isToldItsOwn_andOthersWhatFollowsFromTheFullGrid() {
    Conditions told = ownPicture(7);
    assertThat(get(inputs(told, CLIP.withGrid(COARSE), 4), "image_latents").toFloatArray())
        .containsOnly(7);
    assertThat(get(inputs(told, CLIP, 1), "image_latents").toFloatArray())
        .containsExactly(pictureLatents().toFloatArray());
    assertThat(get(inputs(told, CLIP.withFrames(3), 2), "image_latents").toFloatArray())
        .startsWith(0, .1f, .2f, .3f, .4f, .5f, 20);
  }

  @Test
  void picturesOfStages_areLeftOutAndTakenOverWithTheirPicture() {
    Conditions told = ownPicture(7);
    assertThat(told.withoutPictures().ofGrids()).isEmpty();
    assertThat(told.withoutPictures().values().keySet()).containsExactly("states");
    assertThat(told.pictures().values().keySet()).containsExactly("latents");
    assertThat(told.pictures().ofGrid(COARSE).keySet()).containsExactly("latents");
    var text = new Conditions(FLOW, Map.of("states", states(5)));
    Conditions both = text.with(told.pictures());
    assertThat(get(both.values(), "states").toFloatArray()).containsExactly(5, 6);
    assertThat(both.ofGrid(COARSE)).isEqualTo(told.ofGrid(COARSE));
    assertThat(told.with(Map.of("states", states(9))).ofGrid(COARSE))
        .isEqualTo(told.ofGrid(COARSE));
    // Another picture, of which no stage has its own.
    assertThat(told.with(Map.of("latents", pictureLatents())).ofGrids()).isEmpty();
    assertThat(get(told.with(ownPicture(8)).ofGrid(COARSE), "latents").toFloatArray())
        .containsOnly(8);
  }

  @Test
  void batch_joinsThePicturesOfStages_withZerosForClipsThatAreShownNone() {
    Conditions joined =
        Conditions.join(List.of(ownPicture(7), ownPicture(7).withoutPictures(), ownPicture(8)));
    float[] found =
        get(inputs(joined, CLIP.withGrid(COARSE).withBatch(3), 4), "image_latents").toFloatArray();
    var expected = new float[3 * 24];
    Arrays.fill(expected, 0, 24, 7);
    Arrays.fill(expected, 48, 72, 8);
    assertThat(found).containsExactly(expected);
    var full = new Conditions(FLOW, Map.of("states", states(1), "latents", pictureLatents()));
    assertThatThrownBy(() -> Conditions.join(List.of(full, ownPicture(7))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "conditions: expected 'latents' of the grid [2, 2, 3] of every clip of a batch, found"
                + " none in one");
  }

  @Test
  void pictureOfAStageAlone_isRefused() {
    Map<LatentGrid, Map<String, Tensor>> own = Map.of(COARSE, ownPicture(7).ofGrid(COARSE));
    assertThatThrownBy(() -> new Conditions(FLOW, Map.of("states", states(1)), own))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "conditions: 'latents' of the grid [2, 2, 3]: expected one of the full grid beside it,"
                + " found none");
  }

  @Test
  void noise_hasEveryConditionsShape() {
    Conditions noise = Conditions.noise(FLOW, CLIP);
    assertThat(get(noise.values(), "states").shape()).containsExactly(1, 2, 1);
    assertThat(get(noise.values(), "latents").shape()).containsExactly(1, 2, 5, 2, 3);
    assertThat(get(noise.values(), "latents").toFloatArray()).doesNotContain(0);
    Tensor mask = get(noise.values(), "tokenizer.attention_mask");
    assertThat(mask.longs().get(0) + mask.longs().get(1)).isEqualTo(2);
  }
}
