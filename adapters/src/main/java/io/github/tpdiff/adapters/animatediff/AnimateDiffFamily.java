package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.pipeline.CheckpointTemplate;
import io.github.tpdiff.runtime.pipeline.ModelFamily;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** AnimateDiff v1, v2 and v3 on Stable Diffusion 1.5. */
public final class AnimateDiffFamily implements ModelFamily {
  static final String NAME = "animatediff";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean recognises(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    var found = new AnimateDiffFolder(folder);
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
  public VideoModel open(Path folder) {
    return AnimateDiffVideoModel.open(new AnimateDiffFolder(folder));
  }
}
