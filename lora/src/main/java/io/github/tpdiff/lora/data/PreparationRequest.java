package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * What is to be made of which videos.
 *
 * @param source a folder of videos or a list, see {@link SourceList}
 * @param cache where latents and embeddings are kept
 * @param sizes clips may have; each video gets the one nearest to its shape, of those the longest
 *     it fills
 * @param clipsPerVideo at most, one after another
 * @param uncaptioned the prompt that stands in for dropped captions
 * @param prompts more prompts whose embeddings are wanted
 * @param pictures that a model is told of which takes some
 * @param strides of the smaller videos that are encoded beside every clip, for stages that aim at
 *     them
 */
public record PreparationRequest(
    Path source,
    Path cache,
    List<VideoSize> sizes,
    int clipsPerVideo,
    String uncaptioned,
    List<String> prompts,
    PictureChoice pictures,
    List<GridFactor> strides) {
  /**
   * @throws IllegalArgumentException if there is no size, a number is not positive, or strides are
   *     there twice
   */
  public PreparationRequest {
    sizes = List.copyOf(sizes);
    prompts = List.copyOf(prompts);
    strides = List.copyOf(strides);
    checkArgument(!sizes.isEmpty(), "data.sizes: expected at least one");
    checkArgument(
        !strides.contains(GridFactor.ONE) && Set.copyOf(strides).size() == strides.size(),
        "strides: expected those of smaller videos, each once, found %s",
        strides);
    checkArgument(clipsPerVideo >= 1, "data.clips_per_video: at least 1, found %s", clipsPerVideo);
  }

  /** Of the smaller videos that the stages of a plan aim at, in sampling order. */
  public static List<GridFactor> strides(StagePlan plan) {
    return plan.config().targets() == Targets.LATENT
        ? List.of()
        : plan.stages().stream()
            .map(Stage::strides)
            .filter(strides -> !strides.equals(GridFactor.ONE))
            .toList();
  }
}
