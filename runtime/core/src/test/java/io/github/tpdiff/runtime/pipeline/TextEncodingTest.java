package io.github.tpdiff.runtime.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TextEncodingTest {
  private final LinearVideoModel model = new LinearVideoModel();

  @Test
  void encoderSeesRealTokensOnly_andRowsBeyondAreZero() {
    try (var text = TextEncoding.open(model.parts)) {
      Tensor embedding = text.encode("a red fox");
      assertArrayEquals(new long[] {1, 6, 3}, embedding.shape());
      // Ids 1, 3, 3 and the closing 1, times 1, 2, 3; then zeros.
      assertArrayEquals(
          new float[] {1, 2, 3, 3, 6, 9, 3, 6, 9, 1, 2, 3, 0, 0, 0, 0, 0, 0},
          embedding.toFloatArray());
      assertEquals(List.of(4), model.encodedLengths);
    }
  }

  @Test
  void longPrompt_fillsAllRows() {
    try (var text = TextEncoding.open(model.parts)) {
      text.encode("one two three four five six seven");
      assertEquals(List.of(6), model.encodedLengths);
    }
  }

  @Test
  void promptBeyondWhatTheEncoderReads_isSaid_andOneThatFillsItIsNot() {
    PromptTokens tokens = PromptTokens.of(model.parts);
    assertEquals(
        Optional.of("prompt: 7 tokens, of which the text encoder reads 6: the end is not used"),
        tokens.cut("prompt", "one two three four five six"));
    assertEquals(Optional.empty(), tokens.cut("prompt", "one two three four five"));
  }

  @Test
  void encoderWithoutMask_seesPaddingAsTokens() {
    model.parts.with(
        Role.TEXT_ENCODER,
        List.of("input_ids"),
        List.of("last_hidden_state"),
        in -> {
          Tensor ids = Objects.requireNonNull(in.get("input_ids"));
          assertArrayEquals(new long[] {1, 6}, ids.shape());
          var states = Tensor.zeros(1, 6, 1);
          for (int i = 0; i < 6; i++) {
            states.floats().put(i, (float) (10 + ids.longs().get(i)));
          }
          return Map.of("last_hidden_state", states);
        });
    try (var text = TextEncoding.open(model.parts)) {
      // Ids 1, 3, 3 and the closing 1, then padding 9.
      assertArrayEquals(
          new float[] {11, 13, 13, 11, 19, 19}, text.encode("a red fox").toFloatArray());
    }
  }

  @Test
  void promptsThatCleanToTheSame_areEncodedOnce() {
    try (var text = TextEncoding.open(model.parts)) {
      Tensor first = text.encode("wind &amp;amp; snow");
      assertSame(first, text.encode("  wind\n&  snow "));
      assertEquals(1, model.encodedLengths.size());
    }
  }

  @Test
  void closing_freesTheEncoder() {
    TextEncoding.open(model.parts).close();
    assertEquals(List.of("+TEXT_ENCODER", "-TEXT_ENCODER"), model.parts.events);
  }

  @Test
  void statesOfAnotherLength_areRefused() {
    model.parts.with(
        Role.TEXT_ENCODER,
        List.of("input_ids", "attention_mask"),
        List.of("last_hidden_state"),
        in -> Map.of("last_hidden_state", Tensor.zeros(1, 2, 3)));
    try (var text = TextEncoding.open(model.parts)) {
      var error = assertThrows(CheckpointException.class, () -> text.encode("a red fox"));
      assertEquals(
          "text encoder: last_hidden_state: expected [1, 4, d], found [1, 2, 3]",
          error.getMessage());
    }
  }
}
