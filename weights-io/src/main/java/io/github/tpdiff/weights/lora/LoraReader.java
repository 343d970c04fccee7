package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FiniteNumbers;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraKey.Part;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;

/** Puts the tensors of a LoRA file together. */
final class LoraReader {

  /** Parts of names that belong to other kinds of adapters, whose effect a LoRA does not have. */
  private static final Map<String, String> OTHER_KINDS =
      Map.of(
          "hada_w", "LoHa",
          "lokr_t", "LoKr with a middle factor",
          "lora_mid", "LoCon with a middle factor",
          "oft_", "OFT");

  private static final Set<Part> KRONECKER = EnumSet.range(Part.W1, Part.W2_RIGHT);

  /** The tensors of one module, and its name in the file. */
  private record Module(String own, Map<Part, String> parts) {}

  private final TensorSource source;
  private final AdapterConfig config;
  private final Map<String, Module> modules = new TreeMap<>();
  private final Map<String, String> full = new TreeMap<>();
  private final List<String> ignored = new ArrayList<>();

  private LoraReader(TensorSource source, AdapterConfig config) {
    this.source = source;
    this.config = config;
  }

  static LoraFile read(TensorSource source, AdapterConfig config) {
    return new LoraReader(source, config).read();
  }

  private LoraFile read() {
    Map<String, String> components = new LinkedHashMap<>();
    Optional<LoraKey> first = Optional.empty();
    for (String name : source.names()) {
      requireLora(name);
      FiniteNumbers.require(source, name);
      Optional<LoraKey> key = LoraKey.parse(source.origin(), name);
      if (key.isEmpty()) {
        ignored.add(name);
        continue;
      }
      first = first.or(() -> key);
      components.putIfAbsent(key.get().component(), name);
      add(key.get(), name);
    }
    LoraKey any = first.orElseThrow(this::noLora);
    if (components.size() > 1) {
      throw new CheckpointException(
          "%s: expected a LoRA of one network, found tensors of several: %s"
              .formatted(source.origin(), components));
    }
    leaveOutLoneAlphas();
    return new LoraFile(any.format(), dtype(), weights(any.component()), ignored);
  }

  private void requireLora(String name) {
    OTHER_KINDS.forEach(
        (part, kind) -> {
          if (name.contains("." + part)) {
            throw new CheckpointException(
                "%s: tensor '%s' belongs to a %s, expected a LoRA"
                    .formatted(source.origin(), name, kind));
          }
        });
  }

  private void add(LoraKey key, String name) {
    String other =
        key.part() == Part.FULL
            ? full.putIfAbsent(key.target(), name)
            : modules
                .computeIfAbsent(
                    key.target(), module -> new Module(key.own(), new EnumMap<>(Part.class)))
                .parts()
                .putIfAbsent(key.part(), name);
    if (other != null) {
      throw new CheckpointException(
          "%s: tensors '%s' and '%s' mean the same".formatted(source.origin(), other, name));
    }
  }

  private CheckpointException noLora() {
    return new CheckpointException(
        "%s: expected tensors of a LoRA, such as %s; found %s"
            .formatted(
                source.origin(),
                "transformer.blocks.0.attn1.to_q.lora_A.weight",
                ignored.stream().limit(3).toList()));
  }

  /** Changes that are given in full have no alpha, and one alone scales nothing. */
  private void leaveOutLoneAlphas() {
    modules
        .values()
        .removeIf(
            module -> {
              boolean alone = module.parts().keySet().equals(EnumSet.of(Part.ALPHA));
              if (alone) {
                ignored.addAll(module.parts().values());
              }
              return alone;
            });
  }

  private LoraWeights weights(String component) {
    Map<String, LayerChange> layers = new LinkedHashMap<>();
    Map<String, FullChange> changes = new LinkedHashMap<>();
    full.forEach(
        (tensor, name) ->
            changes.put(tensor, new FullChange(source.require(name).shape(), source.floats(name))));
    modules.forEach(
        (target, module) -> {
          LayerChange layer = layer(target, module);
          layers.put(target, layer);
          Optional.ofNullable(module.parts().get(Part.BIAS))
              .map(name -> biasOfB(name, layer.scale()))
              .filter(change -> change.norm() > 0)
              .ifPresent(change -> changes.merge(target + ".bias", change, FullChange::plus));
        });
    Map<String, String> metadata = new TreeMap<>(source.metadata());
    metadata.remove(LoraFile.ADAPTER_METADATA);
    metadata.remove("format");
    return new LoraWeights(component, layers, changes, metadata);
  }

  /** What PEFT adds to B's product before it is scaled; zero in layers that only have the place. */
  private FullChange biasOfB(String name, double scale) {
    float[] values = source.floats(name);
    for (int i = 0; i < values.length; i++) {
      values[i] *= (float) scale;
    }
    TensorInfo info = source.require(name);
    FiniteNumbers.requireStorable(
        source.origin(), new TensorInfo(name, DType.F32, info.shape()), values);
    return new FullChange(info.shape(), values);
  }

  private DType dtype() {
    Set<DType> types = EnumSet.noneOf(DType.class);
    full.values().forEach(name -> types.add(source.require(name).dtype()));
    for (Module module : modules.values()) {
      module
          .parts()
          .forEach(
              (part, name) -> {
                if (part != Part.ALPHA) {
                  types.add(source.require(name).dtype());
                }
              });
    }
    return types.size() == 1 ? types.iterator().next() : DType.F32;
  }

  private LayerChange layer(String target, Module module) {
    Map<Part, String> parts = module.parts();
    boolean kronecker = parts.keySet().stream().anyMatch(KRONECKER::contains);
    boolean product = parts.containsKey(Part.A) || parts.containsKey(Part.B);
    String magnitude = parts.get(Part.MAGNITUDE);
    if (kronecker && (product || magnitude != null)) {
      throw new CheckpointException(
          "%s: module '%s': expected a LoRA, a DoRA or a LoKr, found %s"
              .formatted(source.origin(), target, parts.values()));
    }
    if (kronecker) {
      return new KroneckerReader(source, target, parts).read(alpha(module), config, module.own());
    }
    LoraPair pair = pair(target, module);
    if (magnitude == null && config.dora()) {
      throw new CheckpointException(
          "%s: module '%s': 'use_dora' is on, expected a tensor lora_magnitude_vector, found none"
              .formatted(source.origin(), target));
    }
    return magnitude == null ? pair : dora(magnitude, pair);
  }

  /** Files of ComfyUI's form have magnitudes of outputs, [out, 1], or of inputs, [1, in]. */
  private DoraPair dora(String name, LoraPair pair) {
    List<Long> shape = source.require(name).shape();
    boolean ofInputs =
        name.endsWith(".dora_scale") && shape.size() > 1 && shape.get(0) == 1 && pair.out() != 1;
    try {
      return new DoraPair(
          pair, source.floats(name), ofInputs ? DoraPair.Axis.INPUTS : DoraPair.Axis.OUTPUTS);
    } catch (CheckpointException wrong) {
      throw new CheckpointException(
          "%s: tensor '%s' %s: %s".formatted(source.origin(), name, shape, wrong.getMessage()),
          wrong);
    }
  }

  private OptionalDouble alpha(Module module) {
    return Optional.ofNullable(module.parts().get(Part.ALPHA))
        .map(name -> OptionalDouble.of(scalar(name)))
        .orElse(OptionalDouble.empty());
  }

  private LoraPair pair(String target, Module module) {
    TensorInfo a = info(target, module, Part.A);
    TensorInfo b = info(target, module, Part.B);
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
              .formatted(source.origin(), target, a.shape(), b.shape()));
    }
    int r = Math.toIntExact(rank);
    float[] down = source.floats(a.name());
    float[] up = source.floats(b.name());
    OptionalDouble alpha = alpha(module);
    LoraPair pair =
        alpha.isPresent()
            ? LoraPair.ofAlpha(r, alpha.getAsDouble(), down, up)
            : config.pair(module.own(), r, down, up);
    return a.shape().size() == 2 ? pair : pair.withKernel(a.shape().subList(2, a.shape().size()));
  }

  private TensorInfo info(String target, Module module, Part part) {
    return Optional.ofNullable(module.parts().get(part))
        .map(source::require)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: module '%s': the LoRA's %s is missing"
                        .formatted(source.origin(), target, part)));
  }

  private double scalar(String name) {
    TensorInfo info = source.require(name);
    if (info.elementCount() != 1) {
      throw new CheckpointException(
          "%s: tensor '%s': expected one number, found shape %s"
              .formatted(source.origin(), name, info.shape()));
    }
    ByteBuffer bytes = source.bytes(name);
    return switch (info.dtype()) {
      case I64 -> bytes.getLong();
      case I32 -> bytes.getInt();
      case F64 -> bytes.getDouble();
      default -> source.floats(name)[0];
    };
  }
}
