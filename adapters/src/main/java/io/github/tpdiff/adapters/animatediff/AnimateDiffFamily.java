package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** AnimateDiff v1, v2 and v3 on Stable Diffusion 1.5. */
public final class AnimateDiffFamily implements ModelFamily {
  static final String NAME = "animatediff";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean recognises(Path path) {
    if (!Files.exists(path)) {
      return false;
    }
    var found = new AnimateDiffFolder(ModelRequest.of(path));
    try {
      return found.find(Network.SD_UNET).isPresent()
          || found.find(Network.MOTION_ADAPTER).isPresent();
    } catch (CheckpointException e) {
      return false; // an unreadable configuration: not recognisably ours
    }
  }

  @Override
  public Map<String, CheckpointTemplate> templates() {
    return AnimateDiffTemplates.all();
  }

  @Override
  public List<String> parts() {
    return AnimateDiffFolder.PARTS;
  }

  @Override
  public Map<String, List<String>> settings() {
    return Map.of(MotionConfig.CONVENTION, NormConvention.texts());
  }

  @Override
  public Optional<Map<String, Object>> configuration(
      Network network, Layout layout, TensorSource weights, Path config) {
    return layout == Layout.ORIGINAL
        ? Optional.empty()
        : PartConfigs.of(network, weights, AnimateDiffFolder.Found.configOf(network, config));
  }

  @Override
  public Map<String, Map<String, ?>> surroundings(
      Set<Network> networks, Map<String, Map<String, Object>> configurations) {
    return PartConfigs.surroundings(networks);
  }

  @Override
  public VideoModel load(ModelRequest request) {
    return AnimateDiffVideoModel.open(new AnimateDiffFolder(request));
  }
}
