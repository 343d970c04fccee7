package io.github.tpdiff.adapters.wan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.reference.ContractData;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** One network under times of clips, frames and tokens. Two clips of 3 × 4 × 4 latents. */
final class TimestepsTest {
  private static final int CHANNELS = 2;
  private static final int FRAMES = 3;
  private static final int PLANE = 16;

  /** 2 × 2 patches. */
  private static final int TOKENS_OF_A_FRAME = 4;

  private final float[] latents = noise(1, 2 * CHANNELS * FRAMES * PLANE);
  private final float[] text = noise(2, 2 * 5 * 6);

  @Test
  void withoutGivenFrames_timesOfFramesAreThoseOfTheClip() {
    Tensor none = Tensor.zeros(2, 1 + CHANNELS, FRAMES, 4, 4);
    float[] perFrame = predict(Timesteps.PER_FRAME, latents, clips(), Map.of("condition", none));
    assertThat(perFrame).containsExactly(predict(Timesteps.PER_CLIP, latents, clips(), Map.of()));
  }

  @Test
  void equalTimesOfTokens_areThatOfTheClip() {
    var times = new float[2 * FRAMES * TOKENS_OF_A_FRAME];
    for (int i = 0; i < times.length; i++) {
      times[i] = i < times.length / 2 ? 700 : 31;
    }
    Tensor tokens = Tensor.ofFloats(times, 2, FRAMES * TOKENS_OF_A_FRAME);
    assertThat(predict(Timesteps.PER_TOKEN, latents, tokens, Map.of()))
        .containsExactly(predict(Timesteps.PER_CLIP, latents, clips(), Map.of()), within(1e-5f));
  }

  /** Of the first clip frame 0, of the second frame 2. */
  @Test
  void givenFrames_takeThePlaceOfNoiseAndAreAtTimeZero_andNothingIsPredictedOfThem() {
    float[] known = noise(3, 2 * CHANNELS * FRAMES * PLANE);
    float[] replaced = latents.clone();
    var condition = new float[2 * (1 + CHANNELS) * FRAMES * PLANE];
    var times = new float[2 * FRAMES * TOKENS_OF_A_FRAME];
    for (int clip = 0; clip < 2; clip++) {
      int given = clip == 0 ? 0 : 2;
      for (int frame = 0; frame < FRAMES; frame++) {
        for (int token = 0; token < TOKENS_OF_A_FRAME; token++) {
          times[(clip * FRAMES + frame) * TOKENS_OF_A_FRAME + token] =
              frame == given ? 0 : clip == 0 ? 700 : 31;
        }
      }
      for (int i = 0; i < PLANE; i++) {
        condition[(clip * (1 + CHANNELS) * FRAMES + given) * PLANE + i] = 1;
        for (int c = 0; c < CHANNELS; c++) {
          int at = ((clip * CHANNELS + c) * FRAMES + given) * PLANE + i;
          replaced[at] = known[at];
          condition[((clip * (1 + CHANNELS) + 1 + c) * FRAMES + given) * PLANE + i] = known[at];
        }
      }
    }
    float[] perFrame =
        predict(
            Timesteps.PER_FRAME,
            latents,
            clips(),
            Map.of("condition", Tensor.ofFloats(condition, 2, 1 + CHANNELS, FRAMES, 4, 4)));
    float[] perToken =
        predict(
            Timesteps.PER_TOKEN,
            replaced,
            Tensor.ofFloats(times, 2, FRAMES * TOKENS_OF_A_FRAME),
            Map.of());
    for (int i = 0; i < perToken.length; i++) {
      int clip = i / (CHANNELS * FRAMES * PLANE);
      if (i / PLANE % FRAMES == (clip == 0 ? 0 : 2)) {
        assertThat(perToken[i]).isNotZero();
        perToken[i] = 0;
      }
    }
    assertThat(perFrame).containsExactly(perToken, within(1e-5f));
    assertThat(perFrame).isNotEqualTo(predict(Timesteps.PER_CLIP, replaced, clips(), Map.of()));
  }

  /** Wan 2.2 writes its times as those of tokens beside a condition in further channels too. */
  @Test
  void furtherChannels_areReadBehindTheLatents() {
    WanTransformerConfig more = config(Timesteps.PER_CLIP, 2 * CHANNELS + 1);
    var inputs = new WanTransformer(more).denoiser().inputs();
    assertThat(Objects.requireNonNull(inputs.get("hidden_states")).dim(1).value())
        .isEqualTo(CHANNELS);
    assertThat(Objects.requireNonNull(inputs.get("condition")).dim(1).value())
        .isEqualTo(CHANNELS + 1);
  }

  @Test
  void timesOfFrames_needAsManyChannelsInAsOut() {
    assertThatThrownBy(() -> config(Timesteps.PER_FRAME, 2 * CHANNELS))
        .hasMessage(
            "in_channels: expected the 2 of out_channels, as given frames take their place,"
                + " found 4");
    assertThatThrownBy(() -> config(Timesteps.PER_CLIP, 1))
        .hasMessage("in_channels: expected at least the 2 of out_channels, found 1");
  }

  private static Tensor clips() {
    return Tensor.ofFloats(new float[] {700, 31}, 2);
  }

  private float[] predict(
      Timesteps timesteps, float[] noisy, Tensor times, Map<String, Tensor> condition) {
    var model = new WanTransformer(config(timesteps, CHANNELS));
    Program program = model.conditioning().then(model.denoiser());
    var inputs = new HashMap<>(condition);
    inputs.put("hidden_states", Tensor.ofFloats(noisy, 2, CHANNELS, FRAMES, 4, 4));
    inputs.put("timestep", times);
    inputs.put("temporal_positions", Tensor.ofFloats(new float[] {0, 2, 4}, FRAMES));
    inputs.put("row_positions", Tensor.ofFloats(new float[] {0, 1, 2, 3}, 4));
    inputs.put("column_positions", Tensor.ofFloats(new float[] {0, 1, 2, 3}, 4));
    inputs.put("encoder_hidden_states", Tensor.ofFloats(text, 2, 5, 6));
    try (var weights = ContractData.weights(program, DType.F32);
        var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      return Objects.requireNonNull(executable.run(inputs).get("out_hidden_states")).toFloatArray();
    }
  }

  private static WanTransformerConfig config(Timesteps timesteps, int inChannels) {
    return new WanTransformerConfig(
        2,
        8,
        2,
        12,
        inChannels,
        CHANNELS,
        6,
        8,
        List.of(1, 2, 2),
        1e-6,
        Optional.empty(),
        timesteps);
  }

  private static float[] noise(long seed, int count) {
    var random = new Random(seed);
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
