package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.lora.LoraKey.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A LoRA file that was read.
 *
 * @param format the form it has
 * @param weights what it holds
 * @param ignored tensors in it that change something else than a denoiser's linear layers
 */
public record LoraFile(LoraFormat format, LoraWeights weights, List<String> ignored) {

  static final String ADAPTER_METADATA = "lora_adapter_metadata";
  static final String PEFT_CONFIG = "adapter_config.json";
  static final String PEFT_WEIGHTS = "adapter_model.safetensors";
  static final String DIFFUSERS_WEIGHTS = "pytorch_lora_weights.safetensors";

  private static final long MAX_CONFIG_BYTES = 10_000_000;

  /**
   * Reads a file or folder of any form.
   *
   * <p>Scale is alpha / rank with alpha from the file; 1 where the file says nothing.
   *
   * @throws CheckpointException when it holds no LoRA, or one half of a pair is missing
   */
  public static LoraFile read(Path path) {
    Path config = path.resolve(PEFT_CONFIG);
    try (TensorSource source = Checkpoint.open(file(path))) {
      return Files.isRegularFile(config)
          ? read(source, AdapterConfig.parse(config.toString(), text(config), ""))
          : read(source, headerConfig(source));
    }
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
    boolean unet = source.names().stream().anyMatch(name -> name.startsWith("unet."));
    return AdapterConfig.parse(source.origin(), json, unet ? "unet." : "transformer.");
  }

  private static LoraFile read(TensorSource source, AdapterConfig config) {
    Map<String, Map<Part, String>> modules = new TreeMap<>();
    List<String> ignored = new ArrayList<>();
    Optional<LoraKey> first = Optional.empty();
    for (String name : source.names()) {
      if (name.endsWith(".lora_magnitude_vector") || name.endsWith(".dora_scale")) {
        throw new CheckpointException(
            "%s: tensor '%s' belongs to a DoRA, expected a LoRA".formatted(source.origin(), name));
      }
      Optional<LoraKey> key = LoraKey.parse(name);
      if (key.isEmpty()) {
        ignored.add(name);
        continue;
      }
      first = first.or(() -> key);
      Map<Part, String> parts =
          modules.computeIfAbsent(key.get().module(), module -> new EnumMap<>(Part.class));
      String other = parts.putIfAbsent(key.get().part(), name);
      if (other != null) {
        throw new CheckpointException(
            "%s: tensors '%s' and '%s' mean the same".formatted(source.origin(), other, name));
      }
    }
    LoraKey any =
        first.orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected tensors of a LoRA, such as %s; found %s"
                        .formatted(
                            source.origin(),
                            "transformer.blocks.0.attn1.to_q.lora_A.weight",
                            ignored.stream().limit(3).toList())));
    Map<String, LoraPair> pairs = new LinkedHashMap<>();
    modules.forEach((module, parts) -> pairs.put(module, pair(source, module, parts, config)));
    Map<String, String> metadata = new TreeMap<>(source.metadata());
    metadata.remove(ADAPTER_METADATA);
    metadata.remove("format");
    return new LoraFile(any.format(), new LoraWeights(any.component(), pairs, metadata), ignored);
  }

  private static LoraPair pair(
      TensorSource source, String module, Map<Part, String> parts, AdapterConfig config) {
    TensorInfo a = info(source, module, parts, Part.A);
    TensorInfo b = info(source, module, parts, Part.B);
    long rank = a.shape().isEmpty() ? 0 : a.shape().get(0);
    boolean fit =
        a.shape().size() >= 2
            && b.shape().size() == a.shape().size()
            && rank >= 1
            && b.shape().get(1) == rank
            && b.elementCount() == b.shape().get(0) * rank;
    if (!fit) {
      throw new CheckpointException(
          "%s: module '%s': expected A [r, in] and B [out, r], found %s and %s"
              .formatted(source.origin(), module, a.shape(), b.shape()));
    }
    int r = Math.toIntExact(rank);
    double scale =
        Optional.ofNullable(parts.get(Part.ALPHA))
            .map(name -> scalar(source, name) / r)
            .orElseGet(() -> config.scale(module, r));
    return new LoraPair(r, scale, source.floats(a.name()), source.floats(b.name()));
  }

  private static TensorInfo info(
      TensorSource source, String module, Map<Part, String> parts, Part part) {
    return Optional.ofNullable(parts.get(part))
        .map(source::require)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: module '%s': the LoRA's %s is missing"
                        .formatted(source.origin(), module, part)));
  }

  private static double scalar(TensorSource source, String name) {
    TensorInfo info = source.require(name);
    if (info.elementCount() != 1) {
      throw new CheckpointException(
          "%s: tensor '%s': expected one number, found shape %s"
              .formatted(source.origin(), name, info.shape()));
    }
    ByteBuffer bytes = source.bytes(name);
    if (info.dtype() == DType.I64) {
      return bytes.getLong();
    }
    return info.dtype() == DType.I32 ? bytes.getInt() : source.floats(name)[0];
  }
}
