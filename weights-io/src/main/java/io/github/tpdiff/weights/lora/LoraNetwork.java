package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.layout.KeyMap;
import io.github.tpdiff.weights.layout.Network;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The denoisers that LoRA files are for, and what tools call the layers of each.
 *
 * <p>A layer is of the first network that has it, where several do.
 */
enum LoraNetwork {
  WAN(Network.WAN_TRANSFORMER, "Wan", "transformer", Names.AUTHORS, Names.AUTHORS),
  /** Kohya's tools know its layers by diffusers' names. */
  STABLE_DIFFUSION(Network.SD_UNET, "Stable Diffusion 1.5", "unet", Names.AUTHORS, Names.DIFFUSERS),
  /** AnimateDiff's: no tool but diffusers has names for LoRAs of them. */
  MOTION_MODULES(Network.MOTION_ADAPTER, "AnimateDiff", "unet", Names.NONE, Names.NONE),
  /** Published under diffusers' names alone. */
  MINIFLUX(
      Network.MINIFLUX_TRANSFORMER, "miniFLUX", "transformer", Names.DIFFUSERS, Names.DIFFUSERS),
  /** Its authors stack layers that diffusers has apart, so that names alone do not translate. */
  FLUX(Network.FLUX_TRANSFORMER, "Flux", "transformer", Names.NONE, Names.NONE);

  /** Whose names of layers a form has. */
  enum Names {
    AUTHORS,
    DIFFUSERS,
    NONE
  }

  private static final Map<LoraNetwork, KeyMap> KEYS = new EnumMap<>(LoraNetwork.class);

  static {
    for (LoraNetwork network : values()) {
      KEYS.put(network, network.network.keys());
    }
  }

  private final Network network;
  private final String label;
  private final String component;
  private final Names comfyUi;
  private final Names kohya;

  LoraNetwork(Network network, String label, String component, Names comfyUi, Names kohya) {
    this.network = network;
    this.label = label;
    this.component = component;
    this.comfyUi = comfyUi;
    this.kohya = kohya;
  }

  /** The part of a pipeline that it is in: {@code transformer} or {@code unet}. */
  String component() {
    return component;
  }

  KeyMap keys() {
    return Objects.requireNonNull(KEYS.get(this));
  }

  /** All networks as words. */
  static String labels() {
    return Arrays.stream(values()).map(network -> network.label).collect(Collectors.joining(", "));
  }

  /** Whether it has a layer of that diffusers name. */
  boolean has(String module) {
    return keys().moduleToDiffusers(module).filter(module::equals).isPresent();
  }

  /** What ComfyUI calls a layer, from its diffusers name, if it can. */
  Optional<String> comfyUi(String module) {
    return name(comfyUi, module);
  }

  /** What kohya's tools call a layer, with dots for their underscores, if they can. */
  Optional<String> kohya(String module) {
    return name(kohya, module);
  }

  private Optional<String> name(Names names, String module) {
    return switch (names) {
      case AUTHORS -> keys().toOriginal(module);
      case DIFFUSERS -> Optional.of(module);
      case NONE -> Optional.empty();
    };
  }

  /**
   * The networks that layers may be of, the one that has most of them first.
   *
   * @param modules by their diffusers names
   */
  static List<LoraNetwork> of(Collection<String> modules) {
    return Arrays.stream(values())
        .sorted(Comparator.comparing(network -> -modules.stream().filter(network::has).count()))
        .toList();
  }

  /** The network of a LoRA; none where it has no layer of a known one. */
  static Optional<LoraNetwork> of(LoraWeights weights) {
    Collection<String> modules = weights.modules();
    return of(modules).stream()
        .filter(network -> modules.stream().anyMatch(network::has))
        .findFirst();
  }
}
