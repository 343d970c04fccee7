package io.github.tpdiff.serve.page;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;

/**
 * A model whose videos show a red ball that goes to the right on a ground from blue to green,
 * whatever the prompt: its network knows the clean latents, and its decoder is linear. A step is
 * made only when somebody lets it.
 */
final class BallModel {
  private static final int FACTOR = 8;

  private final Semaphore steps = new Semaphore(0);
  private final Semaphore decoder = new Semaphore(Integer.MAX_VALUE / 2);
  private final FunctionParts parts = new LinearVideoModel().parts();

  BallModel() {
    parts
        .with(
            LinearVideoModel.DENOISER,
            List.of("hidden_states", "timestep", "temporal_positions", "block0.k"),
            List.of("out_hidden_states"),
            this::denoise)
        .with(
            "vae_decoder/first",
            List.of("latent_sample"),
            List.of("sample", "sum.next", "count.next"),
            in -> decode(in, 1))
        .with(
            "vae_decoder",
            List.of("latent_sample", "sum", "count"),
            List.of("sample", "sum.next", "count.next"),
            in -> decode(in, 4));
  }

  FunctionParts parts() {
    return parts;
  }

  /** Lets the network be asked so many times; with guidance, twice a step. */
  void allow(int passes) {
    steps.release(passes);
  }

  /** Nothing is decoded from now on; only what was begun goes on. */
  void holdDecoder() {
    decoder.drainPermits();
  }

  void releaseDecoder() {
    decoder.release(Integer.MAX_VALUE / 2);
  }

  /**
   * The colour of a latent of a video, red in the highest byte of three.
   *
   * @param frame of the latents
   */
  static int colour(int x, int y, int frame, int width, int height) {
    float ball = clean(true, x, y, frame, width, height);
    float up = clean(false, x, y, frame, width, height);
    int rgb = 0;
    for (int channel = 0; channel < 3; channel++) {
      float value = Math.max(-1, Math.min(1, mixed(channel, ball, up)));
      rgb = rgb << 8 | Math.round((value + 1) * 127.5f);
    }
    return rgb;
  }

  private static float mixed(int channel, float ball, float up) {
    return switch (channel) {
      case 0 -> 0.35f * ball;
      case 1 -> -0.25f * ball - 0.15f * up;
      default -> -0.25f * ball + 0.2f * up + 0.05f;
    };
  }

  /** The velocity {@code (x − x₀) / sigma} of a straight line from noise to the clean latents. */
  private Map<String, Tensor> denoise(Map<String, Tensor> in) {
    steps.acquireUninterruptibly();
    float sigma = requireNonNull(in.get("timestep")).floats().get(0) / 1000;
    float[] positions = requireNonNull(in.get("temporal_positions")).toFloatArray();
    Tensor x = requireNonNull(in.get("hidden_states"));
    long[] shape = x.shape();
    float[] velocity = x.toFloatArray();
    int width = (int) shape[4];
    int height = (int) shape[3];
    for (int i = 0; i < velocity.length; i++) {
      int frame = (int) (i / width / height % shape[2]);
      boolean first = i / width / height / shape[2] % 2 == 0;
      float clean = clean(first, i % width, i / width % height, positions[frame], width, height);
      velocity[i] = (velocity[i] - clean) / Math.max(sigma, 1e-3f);
    }
    return Map.of("out_hidden_states", Tensor.ofFloats(velocity, shape));
  }

  /** The first channel is the ball, the second goes from the bottom up. */
  private static float clean(boolean first, int x, int y, float frame, int width, int height) {
    if (!first) {
      return 1.5f - 3f * y / height;
    }
    double middle = width * (0.25 + 0.16 * frame);
    return Math.hypot(x - middle, y - height * 0.55) < height * 0.25 ? 2 : -0.7f;
  }

  private Map<String, Tensor> decode(Map<String, Tensor> in, int frames) {
    decoder.acquireUninterruptibly();
    Tensor z = requireNonNull(in.get("latent_sample"));
    int height = (int) z.shape()[3] * FACTOR;
    int width = (int) z.shape()[4] * FACTOR;
    int latents = height / FACTOR * (width / FACTOR);
    var sample = new float[3 * frames * height * width];
    for (int i = 0; i < sample.length; i++) {
      int latent = i / width % height / FACTOR * (width / FACTOR) + i % width / FACTOR;
      float ball = (z.floats().get(latent) - 0.5f) / 2;
      float up = (z.floats().get(latents + latent) + 1) / 0.25f;
      sample[i] = mixed(i / width / height / frames, ball, up);
    }
    var out = new HashMap<String, Tensor>();
    out.put("sample", Tensor.ofFloats(sample, 1, 3, frames, height, width));
    out.put("sum.next", Tensor.ofFloats(new float[1], 1));
    out.put("count.next", Tensor.ofFloats(new float[1], 1));
    return out;
  }
}
