package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The caches of one video: of its clips, and of smaller videos of the same clips, the file of each
 * by its strides. That of the clips themselves comes first, under {@link GridFactor#ONE}.
 */
record VideoCaches(Map<GridFactor, LatentCache> byStrides) {
  VideoCaches {
    byStrides = Collections.unmodifiableMap(new LinkedHashMap<>(byStrides));
  }

  /** Of the clips themselves. */
  LatentCache full() {
    return of(GridFactor.ONE);
  }

  /**
   * Of the smaller videos of some strides.
   *
   * @throws CheckpointException if they were not prepared
   */
  LatentCache of(GridFactor strides) {
    return Optional.ofNullable(byStrides.get(strides))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected the clips with strides %s beside it, found those of %s; prepare them for these stages"
                        .formatted(full().file(), strides, byStrides.keySet())));
  }

  /**
   * The strides of which there is no file, or a damaged one, or one of other clips: all of them
   * where there are no clips themselves.
   *
   * @param damage is told of every file that is there and of no use, in a line
   */
  List<GridFactor> missing(Consumer<String> damage) {
    Optional<List<LatentCache.Entry>> clips = entries(GridFactor.ONE, damage);
    if (clips.isEmpty()) {
      return List.copyOf(byStrides.keySet());
    }
    var missing = new ArrayList<GridFactor>();
    byStrides.forEach(
        (strides, cache) -> {
          Optional<List<LatentGrid>> found = entries(strides, damage).map(VideoCaches::grids);
          List<LatentGrid> expected =
              grids(clips.get()).stream().map(full -> grid(full, strides)).toList();
          if (!found.equals(Optional.of(expected))) {
            found.ifPresent(
                others ->
                    damage.accept(
                        "%s: expected clips of %s, found %s"
                            .formatted(cache.file(), expected, others)));
            missing.add(strides);
          }
        });
    return missing;
  }

  private Optional<List<LatentCache.Entry>> entries(GridFactor strides, Consumer<String> damage) {
    try {
      return of(strides).entries();
    } catch (CheckpointException damaged) {
      damage.accept(damaged.getMessage());
      return Optional.empty();
    }
  }

  private static List<LatentGrid> grids(List<LatentCache.Entry> clips) {
    return clips.stream().map(clip -> clip.shape().grid()).toList();
  }

  /** The latents of a smaller video; frames divide but for one that stands alone. */
  private static LatentGrid grid(LatentGrid full, GridFactor strides) {
    return new LatentGrid(
        (full.frames() + strides.time() - 1) / strides.time(),
        full.height() / strides.height(),
        full.width() / strides.width());
  }

  /** The values that pictures decide of a clip, and of each smaller video of it. */
  Conditions pictures(Flow flow, LatentCache.Entry clip) {
    Map<String, Tensor> full = full().conditions(clip.number());
    var ofGrids = new HashMap<LatentGrid, Map<String, Tensor>>();
    if (!full.isEmpty()) {
      byStrides.forEach(
          (strides, cache) -> {
            if (!strides.equals(GridFactor.ONE)) {
              ofGrids.put(grid(clip.shape().grid(), strides), cache.conditions(clip.number()));
            }
          });
    }
    return new Conditions(flow, full, ofGrids);
  }
}
