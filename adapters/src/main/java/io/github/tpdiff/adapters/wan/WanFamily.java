package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.pipeline.CheckpointTemplate;
import io.github.tpdiff.runtime.pipeline.ModelFamily;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    var all = List.of(WanComponent.values());
    return Map.of(
        "wan-tiny",
        new WanTemplate(
            "Wan in small (3 blocks of width 96): random weights to train,"
                + " and a codec that shows blurred pictures",
            WanSizes.tiny(),
            all,
            Optional.of(new LinearCodec())),
        "wan-1.3b",
        new WanTemplate(
            "the sizes of Wan 2.1 T2V 1.3B, random weights",
            WanSizes.WAN_1_3B,
            List.of(WanComponent.TRANSFORMER, WanComponent.VAE),
            Optional.empty()),
        "wan-14b",
        new WanTemplate(
            "the sizes of Wan 2.1 T2V 14B, random weights",
            WanSizes.WAN_14B,
            List.of(WanComponent.TRANSFORMER),
            Optional.empty()));
  }

  @Override
  public VideoModel open(Path folder) {
    return WanVideoModel.open(new WanFolder(folder));
  }
}
