package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.model.RecordJson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/**
 * What became of a video or picture on one of several machines: all that another needs to train on
 * its clips without having opened it.
 *
 * @param row what the report says
 * @param files names in the cache of the clips' latents and of those of smaller videos, in the
 *     order of the request's strides; none of a file that was dropped
 * @param shapes of each clip's latents
 */
public record SharedVideo(PreparedVideo row, List<String> files, List<LatentShape> shapes) {
  private static final RecordJson<SharedVideo> JSON = RecordJson.handWritten(SharedVideo.class);

  /**
   * @throws IllegalArgumentException if a clip has no shape
   */
  public SharedVideo {
    files = List.copyOf(files);
    shapes = List.copyOf(shapes);
    checkArgument(
        shapes.size() == row.clips().size(),
        "shapes: expected one for each of %s clips, found %s",
        row.clips().size(),
        shapes.size());
  }

  static SharedVideo of(PreparedVideo row, Optional<VideoCaches> caches) {
    return new SharedVideo(
        row,
        caches.stream()
            .flatMap(own -> own.byStrides().values().stream())
            .map(cache -> cache.file().getFileName().toString())
            .toList(),
        caches.stream()
            .flatMap(own -> own.full().entries().orElseThrow().stream())
            .map(LatentCache.Entry::shape)
            .toList());
  }

  /** As one line of JSON. */
  public String json() {
    return JSON.format(this).replaceAll("\\R\\s*", "");
  }

  /**
   * Reads it.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it is none
   */
  public static SharedVideo parse(String json) {
    return JSON.parse(json, "what became of a video");
  }

  /** What became of a file, where this machine has it. */
  PreparedVideo at(Preparation.Source source) {
    return new PreparedVideo(
        source.video().file(), row.clips(), row.cached(), row.drop(), row.content(), source.set());
  }

  VideoCaches caches(PreparationRequest request) {
    var strides = new ArrayList<>(List.of(GridFactor.ONE));
    strides.addAll(request.strides());
    checkArgument(
        files.size() == strides.size(),
        "%s: expected files of strides %s, found %s",
        row.file(),
        strides,
        files);
    var byStrides = new LinkedHashMap<GridFactor, LatentCache>();
    for (int i = 0; i < strides.size(); i++) {
      byStrides.put(strides.get(i), VideoEncoding.cache(request, strides.get(i), files.get(i)));
    }
    return new VideoCaches(byStrides);
  }

  List<LatentCache.Entry> entries() {
    var entries = new ArrayList<LatentCache.Entry>();
    for (int i = 0; i < shapes.size(); i++) {
      entries.add(new LatentCache.Entry(i, shapes.get(i), row.clips().get(i)));
    }
    return entries;
  }
}
