package io.github.tpdiff.conformance.model;

import java.util.List;

/** Names of LoRA tensors in files, as programs name them. */
final class LoraTensorName {
  private static final List<String> PREFIXES =
      List.of("transformer.", "unet.", "base_model.model.");

  private LoraTensorName() {}

  /** {@code transformer.blocks.0…lora_A.weight} as {@code blocks.0…lora_A.weight}. */
  static String inProgram(String inFile) {
    return PREFIXES.stream()
        .filter(inFile::startsWith)
        .findFirst()
        .map(prefix -> inFile.substring(prefix.length()))
        .orElse(inFile);
  }
}
