package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A model of Wan's outer form whose parts are linear functions, simple enough to be computed by
 * hand.
 */
public final class LinearVideoModel {
  /** One call of the denoiser. */
  public record Call(double timestep, List<Integer> positions, double prompt) {}

  public static final String DENOISER = "transformer";
  public static final String CONDITIONING = "transformer/conditioning";
  public static final String TEXT_ENCODER = "text_encoder";
  private static final String EMBEDDING = "encoder_hidden_states";

  private final List<Call> calls = new ArrayList<>();
  private final List<Integer> encodedLengths = new ArrayList<>();
  private final FunctionParts parts = new FunctionParts(description());

  public LinearVideoModel() {
    parts
        .with(
            TEXT_ENCODER,
            List.of("input_ids", "attention_mask"),
            List.of("last_hidden_state"),
            this::encode)
        .with(
            CONDITIONING,
            List.of("encoder_hidden_states"),
            List.of("block0.k"),
            in -> Map.of("block0.k", get(in, "encoder_hidden_states")))
        .with(
            DENOISER,
            List.of("hidden_states", "timestep", "temporal_positions", "block0.k"),
            List.of("out_hidden_states"),
            this::denoise)
        .with(
            ComponentDescription.first(ComponentDescription.VAE_DECODER),
            List.of("latent_sample"),
            List.of("sample", "sum.next", "count.next"),
            in -> decode(in, Tensor.ofFloats(new float[] {0}, 1), Tensor.ofFloats(new float[1], 1)))
        .with(
            ComponentDescription.VAE_DECODER,
            List.of("latent_sample", "sum", "count"),
            List.of("sample", "sum.next", "count.next"),
            in -> decode(in, get(in, "sum"), get(in, "count")))
        .with(
            ComponentDescription.first(ComponentDescription.VAE_ENCODER),
            List.of("sample"),
            List.of("latent_mean", "last.next"),
            in -> encodeChunk(in, Tensor.ofFloats(new float[] {0}, 1)))
        .with(
            ComponentDescription.VAE_ENCODER,
            List.of("sample", "last"),
            List.of("latent_mean", "last.next"),
            in -> encodeChunk(in, get(in, "last")));
  }

  /** Every call of the denoiser so far. */
  public List<Call> calls() {
    return calls;
  }

  /** How many tokens the text encoder was given each time. */
  public List<Integer> encodedLengths() {
    return encodedLengths;
  }

  public FunctionParts parts() {
    return parts;
  }

  public static ModelDescription description() {
    return new ModelDescription(
        "linear",
        flow(),
        new ModelDescription.Latents(
            2, 8, 4, true, 100, 16, List.of(0.5, -1.0), List.of(2.0, 0.25)),
        TargetScale.GLOBAL,
        Map.of(
            "_class_name",
            "FlowMatchEulerDiscreteScheduler",
            "num_train_timesteps",
            1000,
            "shift",
            3.0),
        Map.of("half", Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 0.5)),
        new ModelDescription.Defaults(16, 32, 9, 16, 4, 5));
  }

  private static Flow flow() {
    var text = new Text("tokenizer", 6, Text.Cleaning.WHITESPACE, Text.Padding.ZERO_ROWS);
    return new Flow(
        List.of(
            ComponentDescription.of(
                TEXT_ENCODER,
                Runs.PROMPT,
                Map.of("input_ids", text.ids(), "attention_mask", text.mask()),
                Map.of("last_hidden_state", EMBEDDING)),
            ComponentDescription.of(
                CONDITIONING, Runs.PROMPT, Map.of(EMBEDDING, EMBEDDING), Map.of()),
            ComponentDescription.of(DENOISER, Runs.STEP, Map.of(), Map.of()),
            chunked(ComponentDescription.first(ComponentDescription.VAE_ENCODER)),
            chunked(ComponentDescription.VAE_ENCODER),
            chunked(ComponentDescription.first(ComponentDescription.VAE_DECODER)),
            chunked(ComponentDescription.VAE_DECODER)),
        List.of(Flow.Expert.alone(DENOISER)),
        List.of(text),
        List.of(
            new Condition(
                EMBEDDING,
                ElementType.F32,
                List.of("batch", "text", "3"),
                Condition.Follows.NOTHING,
                false)),
        Map.of("text", 6L));
  }

  private static ComponentDescription chunked(String name) {
    return ComponentDescription.of(name, Runs.CHUNK, Map.of(), Map.of());
  }

  /** 0.5·x + timestep/1000 + position/10 + prompt/100, the denoiser by hand. */
  public static Latents predict(Latents x, double timestep, int[] positions, double prompt) {
    Latents out = x.times(0.5);
    int pixels = x.shape().pixels();
    for (int i = 0; i < out.data().length; i++) {
      int frame = i / pixels % x.frames();
      out.data()[i] += (float) (timestep / 1000 + positions[frame] / 10.0 + prompt / 100);
    }
    return out;
  }

  private Map<String, Tensor> encode(Map<String, Tensor> in) {
    int length = (int) get(in, "input_ids").shape()[1];
    encodedLengths.add(length);
    var states = new float[length * 3];
    for (int i = 0; i < states.length; i++) {
      int token = i / 3;
      states[i] =
          get(in, "input_ids").longs().get(token)
              * (float) get(in, "attention_mask").longs().get(token)
              * (1 + i % 3);
    }
    return Map.of("last_hidden_state", Tensor.ofFloats(states, 1, length, 3));
  }

  private Map<String, Tensor> denoise(Map<String, Tensor> in) {
    float timestep = get(in, "timestep").floats().get(0);
    float[] positions = get(in, "temporal_positions").toFloatArray();
    double prompt = 0;
    for (float value : get(in, "block0.k").toFloatArray()) {
      prompt += value;
    }
    var rounded = new int[positions.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = Math.round(positions[i]);
    }
    calls.add(new Call(timestep, Arrays.stream(rounded).boxed().toList(), prompt));
    Tensor x = get(in, "hidden_states");
    float[] out = x.toFloatArray();
    long[] shape = x.shape();
    int pixels = (int) (shape[3] * shape[4]);
    for (int i = 0; i < out.length; i++) {
      int frame = (int) (i / pixels % shape[2]);
      out[i] = (float) (0.5 * out[i] + timestep / 1000 + positions[frame] / 10 + prompt / 100);
    }
    return Map.of("out_hidden_states", Tensor.ofFloats(out, shape));
  }

  /** 1 or 4 frames: mean latent / 10 + sum so far / 100 + frame in chunk / 1000, red only. */
  private static Map<String, Tensor> decode(Map<String, Tensor> in, Tensor sum, Tensor count) {
    Tensor z = get(in, "latent_sample");
    long[] shape = z.shape();
    float mean = mean(z.toFloatArray());
    int frames = count.floats().get(0) == 0 ? 1 : 4;
    int plane = (int) (shape[3] * 8 * shape[4] * 8);
    var sample = new float[3 * frames * plane];
    for (int f = 0; f < frames; f++) {
      float value = mean / 10 + sum.floats().get(0) / 100 + f / 1000f;
      Arrays.fill(sample, f * plane, (f + 1) * plane, value);
    }
    return Map.of(
        "sample", Tensor.ofFloats(sample, 1, 3, frames, shape[3] * 8, shape[4] * 8),
        "sum.next", Tensor.ofFloats(new float[] {sum.floats().get(0) + mean}, 1),
        "count.next", Tensor.ofFloats(new float[] {count.floats().get(0) + 1}, 1));
  }

  /** Both channels: mean of the chunk's values + 10 · the mean of the chunk before. */
  private static Map<String, Tensor> encodeChunk(Map<String, Tensor> in, Tensor last) {
    Tensor sample = get(in, "sample");
    long[] shape = sample.shape();
    float mean = mean(sample.toFloatArray());
    var latent = new float[(int) (2 * shape[3] / 8 * shape[4] / 8)];
    Arrays.fill(latent, mean + 10 * last.floats().get(0));
    return Map.of(
        "latent_mean", Tensor.ofFloats(latent, 1, 2, 1, shape[3] / 8, shape[4] / 8),
        "last.next", Tensor.ofFloats(new float[] {mean}, 1));
  }

  private static float mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return (float) (sum / values.length);
  }

  private static Tensor get(Map<String, Tensor> tensors, String name) {
    return java.util.Objects.requireNonNull(tensors.get(name), name);
  }
}
