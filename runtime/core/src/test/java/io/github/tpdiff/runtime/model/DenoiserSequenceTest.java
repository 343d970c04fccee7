package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.FlowMatching;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.GuidancePlan;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.PredictionReuse;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Two denoisers, of noise above 500 and below it, over one prompt of a number. */
class DenoiserSequenceTest {
  private static final LatentShape SHAPE = new LatentShape(1, 1, 3, 1, 2);
  private static final StageGrid ALL = StageGrid.full(SHAPE.grid());
  private static final String HIGH = "transformer";
  private static final String LOW = "transformer_2";

  /** Float rounding of guided sums below 200. */
  private static final Offset<Float> ROUNDING = Offset.offset(5e-5f);

  /** Clips in each pass. */
  private final List<Integer> batches = new ArrayList<>();

  private final FunctionParts parts = parts();

  private static Flow flow() {
    var text = new Text("tokenizer", 2, Text.Cleaning.NONE, Text.Padding.ENCODED);
    return new Flow(
        List.of(
            ComponentDescription.of(
                "text_encoder", Runs.PROMPT, Map.of("i", text.ids()), Map.of("p", "prompt")),
            ComponentDescription.of(
                ComponentDescription.conditioning(HIGH),
                Runs.PROMPT,
                Map.of("prompt", "prompt"),
                Map.of()),
            ComponentDescription.of(HIGH, Runs.STEP, Map.of(), Map.of()),
            ComponentDescription.of(LOW, Runs.STEP, Map.of("prompt", "prompt"), Map.of())),
        List.of(
            new Flow.Expert(HIGH, 500, Optional.empty(), Optional.empty()), Flow.Expert.alone(LOW)),
        List.of(text),
        List.of(
            new Condition(
                "prompt",
                ElementType.F32,
                List.of("batch", "1"),
                Condition.Follows.NOTHING,
                false)),
        Map.of());
  }

  private FunctionParts parts() {
    List<String> step = List.of("hidden_states", "timestep", "temporal_positions");
    var ofHigh = new ArrayList<>(step);
    ofHigh.add("prompt_twice");
    var ofLow = new ArrayList<>(step);
    ofLow.add("prompt");
    return new FunctionParts(LinearVideoModel.description().withFlow(flow()))
        .with(
            ComponentDescription.conditioning(HIGH),
            List.of("prompt"),
            List.of("prompt_twice"),
            in -> Map.of("prompt_twice", times(get(in, "prompt"), 2)))
        .with(HIGH, ofHigh, List.of("out_hidden_states"), in -> predict(in, "prompt_twice", 1))
        .with(LOW, ofLow, List.of("out_hidden_states"), in -> predict(in, "prompt", 10));
  }

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static Tensor times(Tensor tensor, float factor) {
    float[] values = tensor.toFloatArray();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return Tensor.ofFloats(values, tensor.shape());
  }

  /** Of each clip: scale · x + its prompt + its timestep / 1000 + the frame's position. */
  private Map<String, Tensor> predict(Map<String, Tensor> in, String prompt, float scale) {
    Tensor x = get(in, "hidden_states");
    int clips = (int) x.shape()[0];
    batches.add(clips);
    float[] values = x.toFloatArray();
    int frames = (int) x.shape()[2];
    for (int i = 0; i < values.length; i++) {
      int clip = i / (values.length / clips);
      values[i] =
          scale * values[i]
              + get(in, prompt).floats().get(clip)
              + get(in, "timestep").floats().get(clip) / 1000
              + get(in, "temporal_positions").floats().get(i / 2 % frames);
    }
    return Map.of("out_hidden_states", Tensor.ofFloats(values, x.shape()));
  }

  private static Latents noise() {
    return Latents.of(SHAPE, new float[] {1, -2, 0.5f, 4, 8, -0.25f});
  }

  private static float[] byHand(double scale, double prompt, double timestep) {
    float[] values = noise().data().clone();
    for (int i = 0; i < values.length; i++) {
      int position = i / 2;
      values[i] = (float) (scale * values[i] + prompt + timestep / 1000 + position);
    }
    return values;
  }

  private static Conditions prompt(float value) {
    return new Conditions(flow(), Map.of("prompt", Tensor.ofFloats(new float[] {value}, 1, 1)));
  }

  private DenoiserSequence sequence(Guidance high, Guidance low) {
    return sequence(GuidancePlan.of(new FlowMatching(), List.of(high, low)), Optional.empty());
  }

  private DenoiserSequence sequence(GuidancePlan guidance, Optional<PredictionReuse> reuse) {
    return new DenoiserSequence(
        parts,
        List.of(prompt(3), prompt(0.5f)),
        new DenoiserSequence.Acceleration(guidance, reuse),
        SHAPE);
  }

  @Test
  void eachDenoiser_isAskedAtItsOwnTimes() {
    try (var sequence = sequence(Guidance.none(), Guidance.none())) {
      assertThat(sequence.predict(noise(), 999, ALL).data())
          .containsExactly(byHand(1, 6, 999), ROUNDING);
      // Its own least timestep is the first one's.
      assertThat(sequence.predict(noise(), 500, ALL).data())
          .containsExactly(byHand(1, 6, 500), ROUNDING);
      assertThat(sequence.predict(noise(), 499, ALL).data())
          .containsExactly(byHand(10, 3, 499), ROUNDING);
      assertThat(sequence.predict(noise(), 0, ALL).data())
          .containsExactly(byHand(10, 3, 0), ROUNDING);
    }
  }

  @Test
  void onlyTheDenoiserInUse_isInMemory() {
    try (var sequence = sequence(Guidance.scale(2), Guidance.scale(2))) {
      assertThat(parts.events()).isEmpty();
      sequence.predict(noise(), 999, ALL);
      sequence.predict(noise(), 600, ALL);
      assertThat(parts.events())
          .containsExactly(
              "+transformer/conditioning", "-transformer/conditioning", "+transformer");
      sequence.predict(noise(), 400, ALL);
      sequence.predict(noise(), 100, ALL);
      assertThat(parts.events().subList(3, parts.events().size()))
          .containsExactly("-transformer", "+transformer_2");
    }
    assertThat(parts.events()).endsWith("-transformer_2").hasSize(6);
  }

  @Test
  void timesThatRise_loadTheFirstAnew() {
    try (var sequence = sequence(Guidance.none(), Guidance.none())) {
      sequence.predict(noise(), 400, ALL);
      sequence.predict(noise(), 600, ALL);
      assertThat(parts.events())
          .containsExactly(
              "+transformer_2",
              "-transformer_2",
              "+transformer/conditioning",
              "-transformer/conditioning",
              "+transformer");
    }
    assertThat(parts.events()).endsWith("-transformer");
  }

  /** Doubled prompts 6 and 1, then 3 and 0.5; p = u + g (c − u). */
  @Test
  void eachDenoiser_hasItsOwnGuidance() {
    try (var sequence = sequence(Guidance.scale(4), Guidance.scale(1.5))) {
      assertThat(sequence.predict(noise(), 999, ALL).data())
          .containsExactly(byHand(1, 1 + 4 * (6 - 1), 999), ROUNDING);
      assertThat(sequence.predict(noise(), 100, ALL).data())
          .containsExactly(byHand(10, 0.5 + 1.5 * (3 - 0.5), 100), ROUNDING);
    }
  }

  @Test
  void denoiserWithoutGuidance_neverSeesTheNegativePrompt() {
    parts.allowing(2);
    try (var sequence = sequence(Guidance.scale(4), Guidance.none())) {
      sequence.predict(noise(), 999, ALL);
      sequence.predict(noise(), 100, ALL);
    }
    assertThat(batches).containsExactly(2, 1);
  }

  @Test
  void guidanceInOnePass_isThatOfTwoPasses() {
    List<float[]> inTurn = guided();
    assertThat(batches).containsExactly(1, 1, 1, 1, 1, 1);
    batches.clear();
    parts.allowing(2);
    List<float[]> together = guided();
    assertThat(batches).containsExactly(2, 2, 2);
    for (int i = 0; i < inTurn.size(); i++) {
      assertThat(together.get(i)).containsExactly(inTurn.get(i));
    }
  }

  private static Stage stage(int number) {
    return new Stage(number, ALL, 1, 0);
  }

  /** Doubled prompts 6 and 1; guided between 900 and 700 alone, and in the first of two stages. */
  @Test
  void stepsOutsideOfTheInterval_neverAskForTheNegativePrompt() {
    parts.allowing(2);
    var plan =
        new GuidancePlan(
            new FlowMatching(),
            List.of(Guidance.scale(4), Guidance.none()),
            List.of(),
            Optional.of(NoiseLevels.parse("0.9,0.7/")));
    try (var sequence = sequence(plan, Optional.empty())) {
      Denoiser.Prediction first = sequence.in(stage(2), List.of());
      assertThat(first.predict(noise(), 999).data()).containsExactly(byHand(1, 6, 999), ROUNDING);
      assertThat(first.predict(noise(), 800).data()).containsExactly(byHand(1, 21, 800), ROUNDING);
      assertThat(first.predict(noise(), 700).data()).containsExactly(byHand(1, 6, 700), ROUNDING);
      assertThat(sequence.in(stage(1), List.of()).predict(noise(), 800).data())
          .containsExactly(byHand(1, 6, 800), ROUNDING);
    }
    assertThat(batches).containsExactly(1, 1, 1, 1, 1);
  }

  @Test
  void reuse_isAskedForEachBranchOfEachStep() {
    var asked = new ArrayList<String>();
    PredictionReuse everyOther =
        (stage, steps) ->
            (step, branch, network) -> {
              asked.add(stage.number() + "." + step + "." + branch);
              return step % 2 == 1 ? noise() : network.get();
            };
    var plan = GuidancePlan.of(new FlowMatching(), List.of(Guidance.scale(4), Guidance.none()));
    try (var sequence = sequence(plan, Optional.of(everyOther))) {
      Denoiser.Prediction first = sequence.in(stage(2), List.of());
      assertThat(first.predict(noise(), 800).data()).containsExactly(byHand(1, 21, 800), ROUNDING);
      assertThat(first.predict(noise(), 700).data()).containsExactly(noise().data(), ROUNDING);
      sequence.in(stage(1), List.of()).predict(noise(), 400);
    }
    assertThat(asked).containsExactly("2.0.0", "2.0.1", "2.1.0", "2.1.1", "1.0.0");
    assertThat(batches).containsExactly(1, 1, 1);
  }

  @Test
  void deviceThatOneClipKeepsBusy_isAskedInTurn_whateverMemoryAllows() {
    parts.allowing(2).withoutBatches();
    guided();
    assertThat(batches).containsExactly(1, 1, 1, 1, 1, 1);
  }

  /** At full rate, then in a stage of two frames, in both denoisers. */
  private List<float[]> guided() {
    Latents two = Latents.of(SHAPE.withFrames(2), new float[] {1, 2, 3, 4});
    try (var sequence = sequence(Guidance.scale(4), Guidance.scale(1.5))) {
      return List.of(
          sequence.predict(noise(), 999, ALL).data(),
          sequence.predict(two, 700, StageGrid.strided(two.shape().grid(), 2)).data(),
          sequence.predict(noise(), 100, ALL).data());
    }
  }
}
