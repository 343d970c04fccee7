package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.nio.file.Path;
import java.util.List;

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
 */
public record PreparationRequest(
    Path source,
    Path cache,
    List<VideoSize> sizes,
    int clipsPerVideo,
    String uncaptioned,
    List<String> prompts,
    PictureChoice pictures) {
  /**
   * @throws IllegalArgumentException if there is no size or a number is not positive
   */
  public PreparationRequest {
    sizes = List.copyOf(sizes);
    prompts = List.copyOf(prompts);
    checkArgument(!sizes.isEmpty(), "data.sizes: expected at least one");
    checkArgument(clipsPerVideo >= 1, "data.clips_per_video: at least 1, found %s", clipsPerVideo);
  }
}
