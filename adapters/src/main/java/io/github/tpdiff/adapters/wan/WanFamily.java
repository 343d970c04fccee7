package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.pipeline.CheckpointTemplate;
import io.github.tpdiff.runtime.pipeline.ModelFamily;
import io.github.tpdiff.runtime.pipeline.ModelRequest;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Wan 2.1, text-to-video: the folders of diffusers and those of the authors. */
public final class WanFamily implements ModelFamily {
  static final String NAME = "wan";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean recognises(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    var wan = new WanFolder(folder);
    try {
      return Arrays.stream(WanComponent.values()).anyMatch(c -> wan.find(c).isPresent());
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
  public VideoModel load(ModelRequest request) {
    return WanVideoModel.open(new WanFolder(request));
  }
}
