package io.github.tpdiff.runtime.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PromptEncoderTest {
  private static final String STATES = "encoder_hidden_states";

  private final LinearVideoModel model = new LinearVideoModel();

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static Tensor states(PromptEncoder encoder, String prompt) {
    return get(encoder.encode(prompt), STATES);
  }

  @Test
  void encoderSeesRealTokensOnly_andRowsBeyondAreZero() {
    try (var text = PromptEncoder.open(model.parts())) {
      Tensor embedding = states(text, "a red fox");
      assertArrayEquals(new long[] {1, 6, 3}, embedding.shape());
      // Ids 1, 3, 3 and the closing 1, times 1, 2, 3; then zeros.
      assertArrayEquals(
          new float[] {1, 2, 3, 3, 6, 9, 3, 6, 9, 1, 2, 3, 0, 0, 0, 0, 0, 0},
          embedding.toFloatArray());
      assertEquals(List.of(4), model.encodedLengths());
    }
  }

  @Test
  void longPrompt_fillsAllRows() {
    try (var text = PromptEncoder.open(model.parts())) {
      text.encode("one two three four five six seven");
      assertEquals(List.of(6), model.encodedLengths());
    }
  }

  @Test
  void promptBeyondWhatTheEncoderReads_isSaid_andOneThatFillsItIsNot() {
    PromptTokens tokens = PromptTokens.of(model.parts()).get(0);
    assertEquals(
        Optional.of("prompt: 7 tokens, of which the text encoder reads 6: the end is not used"),
        tokens.cut("prompt", "one two three four five six"));
    assertEquals(Optional.empty(), tokens.cut("prompt", "one two three four five"));
  }

  @Test
  void promptsThatCleanToTheSame_areEncodedOnce() {
    try (var text = PromptEncoder.open(model.parts())) {
      Tensor first = states(text, "wind &amp;amp; snow");
      assertSame(first, states(text, "  wind\n&  snow "));
      assertEquals(1, model.encodedLengths().size());
    }
  }

  @Test
  void encoder_isLoadedWithTheFirstPromptAndFreedAtTheEnd() {
    try (var text = PromptEncoder.open(model.parts())) {
      assertEquals(List.of(), model.parts().events());
      text.encode("a red fox");
      text.encode("a blue fox");
      assertEquals(List.of("+text_encoder"), model.parts().events());
    }
    assertEquals(List.of("+text_encoder", "-text_encoder"), model.parts().events());
  }

  @Test
  void absentEncoder_isNamedBeforeAnythingIsLoaded() {
    model.parts().without("text_encoder");
    var error = assertThrows(CheckpointException.class, () -> PromptEncoder.open(model.parts()));
    assertEquals(
        "functions: a prompt needs text encoder: found no text encoder, only transformer,"
            + " vae decoder, vae encoder",
        error.getMessage());
  }

  @Test
  void statesOfAnotherLength_areRefused() {
    model
        .parts()
        .with(
            "text_encoder",
            List.of("input_ids", "attention_mask"),
            List.of("last_hidden_state"),
            in -> Map.of("last_hidden_state", Tensor.zeros(1, 2, 3)));
    try (var text = PromptEncoder.open(model.parts())) {
      var error = assertThrows(CheckpointException.class, () -> text.encode("a red fox"));
      assertEquals(
          "text_encoder: last_hidden_state: expected [1, 4, …], found [1, 2, 3]",
          error.getMessage());
    }
  }

  /** CLIP's pooled row, optional here, and states of another encoder with their mask. */
  private static Flow twoEncoders(Text.Padding padding) {
    var first = new Text("tokenizer", 6, Text.Cleaning.WHITESPACE, padding);
    var second = new Text("tokenizer_2", 4, Text.Cleaning.NONE, Text.Padding.ENCODED);
    return new Flow(
        List.of(
            ComponentDescription.of(
                "text_encoder",
                Runs.PROMPT,
                Map.of("input_ids", first.ids()),
                Map.of("last_hidden_state", "first", "pooled", "pooled")),
            ComponentDescription.of(
                "text_encoder_2",
                Runs.PROMPT,
                Map.of("input_ids", second.ids(), "attention_mask", second.mask()),
                Map.of("last_hidden_state", STATES)),
            ComponentDescription.of("transformer", Runs.STEP, Map.of(), Map.of())),
        List.of(Flow.Expert.alone("transformer")),
        List.of(first, second),
        List.of(
            condition(STATES, ElementType.F32, "batch", "text", "1"),
            condition(second.mask(), ElementType.I64, "batch", "text"),
            condition("first", ElementType.F32, "batch", "6", "1").asOptional(),
            condition("pooled", ElementType.F32, "batch", "2").asOptional()),
        Map.of("text", 4L));
  }

  private static Condition condition(String name, ElementType type, String... shape) {
    return new Condition(name, type, List.of(shape), Condition.Follows.NOTHING, false);
  }

  private FunctionParts parts(Text.Padding padding, List<Integer> lengths) {
    return new FunctionParts(LinearVideoModel.description().withFlow(twoEncoders(padding)))
        .with(
            "text_encoder",
            List.of("input_ids"),
            List.of("last_hidden_state", "pooled"),
            in -> {
              Tensor ids = get(in, "input_ids");
              int count = (int) ids.elementCount();
              lengths.add(count);
              Tensor states = Tensor.zeros(1, count, 1);
              for (int i = 0; i < count; i++) {
                states.floats().put(i, 10f + ids.longs().get(i));
              }
              return Map.of(
                  "last_hidden_state",
                  states,
                  "pooled",
                  Tensor.ofFloats(new float[] {7, count}, 1, 2));
            })
        .with(
            "text_encoder_2",
            List.of("input_ids", "attention_mask"),
            List.of("last_hidden_state"),
            in -> {
              Tensor states = Tensor.zeros(1, 4, 1);
              for (int i = 0; i < 4; i++) {
                states
                    .floats()
                    .put(
                        i,
                        100f * get(in, "attention_mask").longs().get(i)
                            + get(in, "input_ids").longs().get(i));
              }
              return Map.of("last_hidden_state", states);
            });
  }

  @Test
  void everyEncoder_readsItsOwnTokensAndGivesItsOwnConditions() {
    try (var text = PromptEncoder.open(parts(Text.Padding.ZERO_ROWS, new ArrayList<>()))) {
      Map<String, Tensor> values = text.encode("a red fox");
      assertEquals(
          Set.of(STATES, "tokenizer_2.attention_mask", "first", "pooled"), values.keySet());
      // Ids 1, 3, 3 and the closing 1: all four rows of the second encoder's text.
      assertArrayEquals(new float[] {101, 103, 103, 101}, get(values, STATES).toFloatArray());
      // The first's real tokens, and rows of zeros; its pooled row is no row of a token.
      assertArrayEquals(new float[] {11, 13, 13, 11, 0, 0}, get(values, "first").toFloatArray());
      assertArrayEquals(new float[] {7, 4}, get(values, "pooled").toFloatArray());
    }
  }

  @Test
  void mask_isAConditionLikeAnyOther() {
    try (var text = PromptEncoder.open(parts(Text.Padding.ENCODED, new ArrayList<>()))) {
      Map<String, Tensor> values = text.encode("fox");
      Tensor mask = get(values, "tokenizer_2.attention_mask");
      assertArrayEquals(new long[] {1, 4}, mask.shape());
      assertEquals(
          List.of(1L, 1L, 0L, 0L),
          List.of(
              mask.longs().get(0), mask.longs().get(1), mask.longs().get(2), mask.longs().get(3)));
      // Ids 3 and the closing 1, then padding 9 without the mask's hundred.
      assertArrayEquals(new float[] {103, 101, 9, 9}, get(values, STATES).toFloatArray());
    }
  }

  @Test
  void encodedPadding_isSeenAsTokens() {
    var lengths = new ArrayList<Integer>();
    try (var text = PromptEncoder.open(parts(Text.Padding.ENCODED, lengths))) {
      // Ids 1, 3, 3 and the closing 1, then padding 9.
      assertArrayEquals(
          new float[] {11, 13, 13, 11, 19, 19},
          get(text.encode("a red fox"), "first").toFloatArray());
      assertEquals(List.of(6), lengths);
    }
  }

  @Test
  void optionalConditions_areThereWhereTheirEncoderIs() {
    FunctionParts parts =
        parts(Text.Padding.ENCODED, new ArrayList<>())
            .without("text_encoder")
            .with("transformer", List.of(), List.of(), in -> in);
    try (var text = PromptEncoder.open(parts)) {
      assertEquals(Set.of(STATES, "tokenizer_2.attention_mask"), text.encode("a red fox").keySet());
    }
    var error =
        assertThrows(
            CheckpointException.class, () -> PromptEncoder.open(parts.without("text_encoder_2")));
    assertEquals(
        "functions: a prompt needs text encoder 2: found no text encoder 2, only transformer",
        error.getMessage());
  }
}
