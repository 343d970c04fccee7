package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Map;
import java.util.TreeMap;

/**
 * A component of a model as data: named values flow in and out of it.
 *
 * <p>Values that it reads or writes and that are not named here pass within its folder: the outputs
 * of {@code transformer/conditioning} are inputs of {@code transformer}, an output {@code s.next}
 * of one chunk is the input {@code s} of the following.
 *
 * @param name its folder in published checkpoints and exports, such as {@code text_encoder}; with a
 *     further name where the folder holds several graphs, such as {@code transformer/conditioning}
 * @param runs when it runs
 * @param reads the value that each input of its program is given
 * @param writes the value that each output of its program is
 * @param optional whether the model works without it
 */
public record ComponentDescription(
    String name,
    Runs runs,
    Map<String, String> reads,
    Map<String, String> writes,
    boolean optional) {
  /**
   * What encodes clips, chunk by chunk: {@code sample} [batch, 3, frames, H, W] in [−1, 1] to
   * {@code latent_mean}.
   */
  public static final String VAE_ENCODER = "vae_encoder";

  /**
   * What decodes latents, chunk by chunk: {@code latent_sample} [batch, C, 1, h, w] to {@code
   * sample}.
   */
  public static final String VAE_DECODER = "vae_decoder";

  private static final String CONDITIONING = "conditioning";
  private static final String FIRST = "first";

  /**
   * @throws IllegalArgumentException if the name is not one of a folder, with another behind a
   *     slash at most
   */
  public ComponentDescription {
    checkArgument(
        name.matches("[a-z0-9_]{1,64}(/[a-z0-9_]{1,64})?"),
        "components: expected a name such as text_encoder or transformer/conditioning, found '%s'",
        name);
    reads = Map.copyOf(new TreeMap<>(reads));
    writes = Map.copyOf(new TreeMap<>(writes));
  }

  /** A component that the model needs. */
  public static ComponentDescription of(
      String name, Runs runs, Map<String, String> reads, Map<String, String> writes) {
    return new ComponentDescription(name, runs, reads, writes, false);
  }

  /** The same, which the model works without. */
  public ComponentDescription asOptional() {
    return new ComponentDescription(name, runs, reads, writes, true);
  }

  /**
   * What depends only on the conditions of the denoiser in {@code folder}, and feeds it in every
   * step.
   */
  public static String conditioning(String folder) {
    return folder + "/" + CONDITIONING;
  }

  /** What runs on the first chunk of a clip in place of {@code component}. */
  public static String first(String component) {
    return component + "/" + FIRST;
  }

  /** The folder in which the graph and weights of a component lie. */
  public static String folderOf(String component) {
    int slash = component.indexOf('/');
    return slash < 0 ? component : component.substring(0, slash);
  }

  /** What users call a component: its folder in words, such as {@code vae decoder}. */
  public static String label(String component) {
    return folderOf(component).replace('_', ' ');
  }

  /** Where a component's graph lies in an exported folder. */
  public static String graph(String component) {
    return (component.indexOf('/') < 0 ? component + "/model" : component) + ".onnx";
  }
}
