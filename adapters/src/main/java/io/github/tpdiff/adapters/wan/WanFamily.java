package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipVisionConfig;
import io.github.tpdiff.adapters.T5Config;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Wan 2.1 and 2.2, from texts and from pictures: the folders of diffusers and those of the authors.
 */
public final class WanFamily implements ModelFamily {
  static final String NAME = "wan";

  /** What other families' folders do not have. */
  private static final Set<WanComponent> TELLING =
      EnumSet.complementOf(EnumSet.of(WanComponent.IMAGE_ENCODER));

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String model(ModelDescription description) {
    return WanVariant.of(description.flow()).label();
  }

  @Override
  public boolean recognises(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    var wan = new WanFolder(folder);
    try {
      return TELLING.stream().anyMatch(c -> wan.find(c).isPresent());
    } catch (CheckpointException e) {
      return false; // an unreadable configuration: not recognisably ours
    }
  }

  @Override
  public Map<String, CheckpointTemplate> templates() {
    return WanTemplate.all();
  }

  @Override
  public List<String> parts() {
    return WanFolder.PARTS;
  }

  @Override
  public Optional<Map<String, Object>> configuration(
      Network network, Layout layout, TensorSource weights, Path file) {
    boolean original = layout == Layout.ORIGINAL;
    return switch (network) {
      case WAN_TRANSFORMER -> {
        ConfigFile config = WanFolder.configFor(file, WanComponent.TRANSFORMER);
        var sizes = WanTransformerConfig.read(config, weights);
        yield Optional.of(original ? WanSizes.originalConfig(sizes) : WanSizes.config(sizes));
      }
      case WAN_VAE -> {
        ConfigFile config = WanFolder.configFor(file, WanComponent.VAE);
        yield original
            ? Optional.empty()
            : Optional.of(WanSizes.config(WanVaeConfig.read(config, weights)));
      }
      case UMT5_ENCODER -> {
        ConfigFile config = WanFolder.configFor(file, WanComponent.TEXT_ENCODER);
        yield original ? Optional.empty() : Optional.of(T5Config.read(config, weights).fields());
      }
      case CLIP_VISION_ENCODER -> {
        ConfigFile config = WanFolder.configFor(file, WanComponent.IMAGE_ENCODER);
        var told = config.fields().isEmpty() ? config.with(ClipVisionConfig.ORIGINAL) : config;
        yield original
            ? Optional.empty()
            : Optional.of(ClipVisionConfig.read(told, weights).fields());
      }
      default -> Optional.empty();
    };
  }

  @Override
  public Map<String, Map<String, ?>> surroundings(
      Set<Network> networks, Map<String, Map<String, Object>> configurations) {
    if (!networks.contains(Network.WAN_TRANSFORMER)) {
      return Map.of();
    }
    Map<String, Object> transformer = configurations.getOrDefault(WanFlow.TRANSFORMER, Map.of());
    var variant =
        WanVariant.ofFields(transformer, configurations.containsKey(WanFlow.TRANSFORMER_2));
    Object side = configurations.getOrDefault(WanFlow.IMAGE_ENCODER, Map.of()).get("image_size");
    return variant.surroundings(
        side instanceof Number own ? Optional.of(own.intValue()) : Optional.empty());
  }

  @Override
  public VideoModel load(ModelRequest request) {
    return WanVideoModel.open(new WanFolder(request));
  }
}
