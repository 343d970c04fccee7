package io.github.tpdiff.weights.layout;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * Which of a model's two transformers one is (Wan 2.2 A14B). Their tensors have the same names;
 * only the folder tells them apart.
 */
public enum Expert {
  HIGH_NOISE("transformer", "high_noise_model"),
  LOW_NOISE("transformer_2", "low_noise_model");

  private final String diffusers;
  private final String original;

  Expert(String diffusers, String original) {
    this.diffusers = diffusers;
    this.original = original;
  }

  /** Its folder in a model of both. */
  public String folder(Layout layout) {
    return layout == Layout.DIFFUSERS ? diffusers : original;
  }

  /**
   * The one that a network is by the folder of its file; an only transformer is not told from that
   * for high noise.
   */
  public static Optional<Expert> of(Network network, Path file) {
    Path folder = file.getParent();
    String name = folder == null ? "" : String.valueOf(folder.getFileName());
    return Arrays.stream(values())
        .filter(expert -> network == Network.WAN_TRANSFORMER)
        .filter(expert -> name.equals(expert.diffusers) || name.equals(expert.original))
        .findFirst();
  }
}
