package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.Comparator;
import java.util.List;

/**
 * Sizes that are said. A video gets those of the shape that is nearest to its own, the longest
 * first.
 */
public record GivenSizes(List<VideoSize> all) implements ClipSizes {
  /**
   * @throws IllegalArgumentException if there is none
   */
  public GivenSizes {
    all = List.copyOf(all);
    checkArgument(!all.isEmpty(), "data.sizes: expected at least one");
  }

  @Override
  public List<VideoSize> of(PictureSize shown) {
    double shape = Math.log(shown.width() / (double) shown.height());
    return all.stream()
        .sorted(
            Comparator.<VideoSize>comparingDouble(
                    s -> Math.abs(Math.log(s.width() / (double) s.height()) - shape))
                .thenComparing(s -> -s.frames()))
        .toList();
  }

  @Override
  public boolean followShapes() {
    return false;
  }
}
