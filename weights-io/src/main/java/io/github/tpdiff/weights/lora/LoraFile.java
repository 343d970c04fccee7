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
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A LoRA file that was read.
 *
 * @param format the form it has
 * @param weights what it holds
 * @param dtype the type of A and B; F32 where they differ
 * @param ignored tensors in it that change something else than a denoiser's layers by a product
 */
public record LoraFile(LoraFormat format, DType dtype, LoraWeights weights, List<String> ignored) {

  static final String ADAPTER_METADATA = "lora_adapter_metadata";
  static final String PEFT_CONFIG = "adapter_config.json";
  static final String PEFT_WEIGHTS = "adapter_model.safetensors";
  static final String DIFFUSERS_WEIGHTS = "pytorch_lora_weights.safetensors";

  private static final long MAX_CONFIG_BYTES = 10_000_000;

  /** Parts of names that belong to other kinds of adapters, whose effect a LoRA does not have. */
  private static final Map<String, String> OTHER_KINDS =
      Map.of(
          "lora_magnitude_vector", "DoRA",
          "dora_scale", "DoRA",
          "hada_w", "LoHa",
          "lokr_w", "LoKr",
          "lora_mid", "LoCon with a middle factor",
          "oft_", "OFT");

  /**
   * Reads a file or folder of any form.
   *
   * <p>Scale is alpha / rank with alpha from the file; 1 where the file says nothing.
   *
   * @throws CheckpointException when it holds no LoRA, or one half of a pair is missing
   */
  public static LoraFile read(Path path) {
    Path config = Files.isDirectory(path) ? path.resolve(PEFT_CONFIG) : besidePeftWeights(path);
    try (TensorSource source = Checkpoint.open(file(path))) {
      return Files.isRegularFile(config)
          ? read(source, AdapterConfig.parse(config.toString(), text(config), ""))
          : read(source, headerConfig(source));
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

  private static LoraFile read(TensorSource source, AdapterConfig config) {
    Map<String, Map<Part, String>> modules = new TreeMap<>();
    List<String> ignored = new ArrayList<>();
    Optional<LoraKey> first = Optional.empty();
    for (String name : source.names()) {
      requireLora(source, name);
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
    return new LoraFile(
        any.format(),
        dtype(source, modules),
        new LoraWeights(any.component(), pairs, metadata),
        ignored);
  }

  private static void requireLora(TensorSource source, String name) {
    OTHER_KINDS.forEach(
        (part, kind) -> {
          if (name.contains("." + part)) {
            throw new CheckpointException(
                "%s: tensor '%s' belongs to a %s, expected a LoRA"
                    .formatted(source.origin(), name, kind));
          }
        });
  }

  private static DType dtype(TensorSource source, Map<String, Map<Part, String>> modules) {
    Set<DType> types = EnumSet.noneOf(DType.class);
    for (Map<Part, String> parts : modules.values()) {
      parts.forEach(
          (part, name) -> {
            if (part != Part.ALPHA) {
              types.add(source.require(name).dtype());
            }
          });
    }
    return types.size() == 1 ? types.iterator().next() : DType.F32;
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
    float[] down = source.floats(a.name());
    float[] up = source.floats(b.name());
    LoraPair pair =
        Optional.ofNullable(parts.get(Part.ALPHA))
            .map(name -> LoraPair.ofAlpha(r, scalar(source, name), down, up))
            .orElseGet(() -> config.pair(module, r, down, up));
    return a.shape().size() == 2 ? pair : pair.withKernel(a.shape().subList(2, a.shape().size()));
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
    return switch (info.dtype()) {
      case I32 -> bytes.getInt();
      case F64 -> bytes.getDouble();
      default -> source.floats(name)[0];
    };
  }
}
