package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A LoRA file that was read.
 *
 * @param format the form it has
 * @param weights what it holds
 * @param dtype the type of its numbers, alpha apart; F32 where they differ
 * @param ignored tensors in it that change nothing of a denoiser, or in a way that is not known
 */
public record LoraFile(LoraFormat format, DType dtype, LoraWeights weights, List<String> ignored) {

  static final String ADAPTER_METADATA = "lora_adapter_metadata";
  static final String PEFT_CONFIG = "adapter_config.json";
  static final String PEFT_WEIGHTS = "adapter_model.safetensors";
  static final String DIFFUSERS_WEIGHTS = "pytorch_lora_weights.safetensors";

  private static final long MAX_CONFIG_BYTES = 10_000_000;

  /**
   * Reads a file or folder of any form.
   *
   * <p>Scale is alpha / rank with alpha from the file; 1 where the file says nothing. Changes that
   * are given in full have no alpha.
   *
   * @throws CheckpointException when it holds no LoRA, a layer of no known network, one half of a
   *     pair without the other, or a number that is not finite
   */
  public static LoraFile read(Path path) {
    Path config = Files.isDirectory(path) ? path.resolve(PEFT_CONFIG) : besidePeftWeights(path);
    try (TensorSource source = Checkpoint.open(file(path))) {
      return Files.isRegularFile(config)
          ? LoraReader.read(source, AdapterConfig.parse(config.toString(), text(config), ""))
          : LoraReader.read(source, headerConfig(source));
    }
  }

  private static Path besidePeftWeights(Path file) {
    String name = String.valueOf(file.getFileName());
    return file.resolveSibling(name.startsWith("adapter_model.") ? PEFT_CONFIG : name + ".json");
  }

  private static Path file(Path path) {
    for (String name : List.of(PEFT_WEIGHTS, "adapter_model.bin", DIFFUSERS_WEIGHTS)) {
      if (Files.isRegularFile(path.resolve(name))) {
        return path.resolve(name);
      }
    }
    return path;
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > MAX_CONFIG_BYTES) {
        throw new CheckpointException(
            "%s: expected at most %d bytes, found %d"
                .formatted(file, MAX_CONFIG_BYTES, Files.size(file)));
      }
      return Files.readString(file);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  private static AdapterConfig headerConfig(TensorSource source) {
    String json = source.metadata().get(ADAPTER_METADATA);
    if (json == null) {
      return AdapterConfig.NONE;
    }
    // Pipelines put the component in front of every field, a model alone does not.
    String prefix =
        Stream.of("unet.", "transformer.")
            .filter(component -> json.contains("\"" + component))
            .max(Comparator.comparing(component -> startsWith(source, component)))
            .orElse("");
    return AdapterConfig.parse(source.origin(), json, prefix);
  }

  private static boolean startsWith(TensorSource source, String prefix) {
    return source.names().stream().anyMatch(name -> name.startsWith(prefix));
  }
}
