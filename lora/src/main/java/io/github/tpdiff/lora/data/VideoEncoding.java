package io.github.tpdiff.lora.data;

import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import io.github.tpdiff.lora.data.ClipEncoders.LatentEncoder;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Makes the caches of videos: of their clips and, for stages that aim at them, of smaller videos of
 * the same clips. The encoder is opened with the first that is missing, and held until closed.
 */
final class VideoEncoding implements AutoCloseable {
  /** Of a cache, the folder of latents. */
  static final String LATENTS = "latents";

  /** Of a cache, the folder of latents of smaller videos. */
  private static final String SMALLER = "smaller";

  /** Part of what names latents; another whenever the same video would give other pictures. */
  private static final String DECODING = "2";

  private final PreparationRequest request;
  private final ClipEncoders encoders;
  private final String fingerprint;
  private final Map<GridFactor, Integer> encoded = new LinkedHashMap<>();
  private final List<String> damage = new ArrayList<>();
  private Optional<LatentEncoder> encoder = Optional.empty();

  VideoEncoding(PreparationRequest request, ClipEncoders encoders) {
    this.request = request;
    this.encoders = encoders;
    this.fingerprint = encoders.latentsFingerprint();
    encoded.put(GridFactor.ONE, 0);
    request.strides().forEach(strides -> encoded.put(strides, 0));
  }

  /**
   * Where the clips of a video or picture are, or will be.
   *
   * @param content hash of the file
   * @param picture that the first begins with, if it is not its own
   * @throws IOException if a file cannot be read
   */
  VideoCaches caches(SourceVideo video, SourceSet set, String content, Optional<Path> picture)
      throws IOException {
    String made =
        DECODING
            + content
            + made(video, set)
            + fingerprint
            // Nothing where no picture is asked for, as it was before there were any.
            + (picture.isPresent() ? "picture " + content(picture.get()) : "")
            + (request.pictures().last() && encoders.isToldOfPictures() ? "last" : "");
    var byStrides = new LinkedHashMap<GridFactor, LatentCache>();
    byStrides.put(GridFactor.ONE, cache(LATENTS, made));
    for (GridFactor strides : request.strides()) {
      String smaller =
          "strides %d %d %d".formatted(strides.time(), strides.height(), strides.width());
      byStrides.put(strides, cache(SMALLER, made + smaller));
    }
    return new VideoCaches(byStrides);
  }

  /** The sizes that count for a file, and which of its frames are taken. */
  private static String made(SourceVideo video, SourceSet set) throws IOException {
    ClipSizes sizes = set.sizes();
    List<VideoSize> own =
        sizes.followShapes() ? sizes.of(ClipCutter.look(video).shown()) : sizes.all();
    return video.isPicture()
        ? "still" + own.stream().map(ClipCutter::still).distinct().toList()
        : own + set.extraction().made();
  }

  private LatentCache cache(String folder, String made) {
    return new LatentCache(request.cache().resolve(folder).resolve(fileOf(made)));
  }

  /** The file of some strides by its name. */
  static LatentCache cache(PreparationRequest request, GridFactor strides, String name) {
    return new LatentCache(
        request.cache().resolve(strides.equals(GridFactor.ONE) ? LATENTS : SMALLER).resolve(name));
  }

  /** A hash of a file. */
  static String content(Path file) throws IOException {
    return MoreFiles.asByteSource(file).hash(Hashing.sha256()).toString();
  }

  /** The name of a file in a cache that is made of what a text says. */
  static String fileOf(String text) {
    return Hashing.sha256().hashString(text, StandardCharsets.UTF_8).toString().substring(0, 32)
        + ".safetensors";
  }

  /** The strides whose file is to be made; a damaged one is. */
  List<GridFactor> missing(VideoCaches caches) {
    return caches.missing(damage::add);
  }

  /** Hands on clips one by one. */
  interface Cutting {
    void cut(Consumer<ClipCutter.Cut> clips) throws ClipCutter.DroppedException;
  }

  /**
   * Makes the files of some strides; none if the video is dropped.
   *
   * @return how each clip was made
   */
  List<PreparedVideo.Clip> make(
      VideoCaches caches, List<GridFactor> missing, Optional<Path> picture, Cutting cutting)
      throws ClipCutter.DroppedException {
    var made = new ArrayList<PreparedVideo.Clip>();
    var files = new LinkedHashMap<GridFactor, LatentCache.Writing>();
    missing.forEach(strides -> files.put(strides, caches.of(strides).open()));
    try {
      cutting.cut(
          cut -> {
            LatentEncoder open = encoder.orElseGet(encoders::openLatents);
            encoder = Optional.of(open);
            // The file shows what the video begins with.
            Optional<Path> own = made.isEmpty() ? picture : Optional.empty();
            var pictures = new ClipPictures(cut.clip(), own, request.pictures().last());
            files.forEach(
                (strides, file) ->
                    file.add(new LatentCache.Clip(encode(open, pictures, strides), cut.made())));
            made.add(cut.made());
          });
      files.forEach(
          (strides, file) -> {
            file.commit();
            encoded.merge(strides, made.size(), Integer::sum);
          });
      return made;
    } finally {
      files.values().forEach(LatentCache.Writing::close);
    }
  }

  private static ClipEncoders.EncodedClip encode(
      LatentEncoder encoder, ClipPictures clip, GridFactor strides) {
    ClipPictures own = clip.coarser(strides);
    Latents latents = encoder.encode(own.clip());
    return new ClipEncoders.EncodedClip(
        latents,
        strides.equals(GridFactor.ONE)
            ? encoder.pictures(own, latents.shape())
            : encoder.picturesOfStage(own, latents.shape()));
  }

  /** Lines on files that were of no use, and on what was encoded of which strides. */
  List<String> notes() {
    var notes = new ArrayList<String>();
    if (!damage.isEmpty()) {
      notes.add(
          "cached files made anew: %d (the first: %s)".formatted(damage.size(), damage.get(0)));
    }
    boolean any = encoded.values().stream().anyMatch(count -> count > 0);
    if (any && encoded.size() > 1) {
      notes.add(
          "clips encoded, the others were cached: "
              + encoded.entrySet().stream()
                  .map(each -> each.getValue() + " with strides " + each.getKey())
                  .collect(Collectors.joining(", ")));
    }
    return notes;
  }

  /** Frees the encoder until the next video that needs it. */
  @Override
  public void close() {
    encoder.ifPresent(LatentEncoder::close);
    encoder = Optional.empty();
  }
}
