package io.github.tpdiff.evaluation.metric;

import com.google.common.hash.Hashing;
import io.github.tpdiff.evaluation.metric.FeatureExtractor.Extraction;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Reads videos through extractors: each once, frame by frame, and only for what the cache has not.
 *
 * @param extractors by identity
 */
record VideoScan(Map<String, FeatureExtractor> extractors, FeatureCache cache) {
  private static final FactFeatures FACTS = new FactFeatures();

  static VideoScan of(List<FeatureExtractor> extractors, FeatureCache cache) {
    var distinct = new LinkedHashMap<String, FeatureExtractor>();
    distinct.put(FACTS.identity(), FACTS);
    extractors.forEach(extractor -> distinct.putIfAbsent(extractor.identity(), extractor));
    return new VideoScan(distinct, cache);
  }

  /**
   * Reads a video.
   *
   * @throws IOException if the file cannot be read as a video to its end
   * @throws CheckpointException if a network fails on it or says NaN of it
   */
  MeasuredVideo read(SourceVideo video) throws IOException {
    Path file = video.file();
    String hash =
        com.google.common.io.Files.asByteSource(file.toFile()).hash(Hashing.sha256()).toString();
    var rows = new LinkedHashMap<String, FeatureRows>();
    var missing = new ArrayList<FeatureExtractor>();
    for (FeatureExtractor extractor : extractors.values()) {
      cache
          .find(hash, extractor)
          .ifPresentOrElse(
              kept -> rows.put(extractor.identity(), kept), () -> missing.add(extractor));
    }
    if (!missing.isEmpty()) {
      extract(file, missing)
          .forEach(
              (extractor, made) -> {
                requireFinite(file, extractor.identity(), made);
                cache.keep(hash, extractor, made);
                rows.put(extractor.identity(), made);
              });
    }
    VideoFacts facts = VideoFacts.of(Objects.requireNonNull(rows.get(FACTS.identity())));
    return new MeasuredVideo(file, hash, video.caption(), facts, rows);
  }

  private static Map<FeatureExtractor, FeatureRows> extract(
      Path file, List<FeatureExtractor> extractors) throws IOException {
    var running = new LinkedHashMap<FeatureExtractor, Extraction>();
    try (VideoReader reader = VideoReader.open(file)) {
      double fps = reader.fps();
      extractors.forEach(extractor -> running.put(extractor, extractor.begin(fps)));
      boolean any = false;
      for (Optional<VideoFrame> next = reader.next(); next.isPresent(); next = reader.next()) {
        RgbPicture frame = bytes(next.get());
        double seconds = next.get().seconds();
        running.values().forEach(extraction -> extraction.accept(frame, seconds));
        any = true;
      }
      if (!any) {
        throw new IOException(file + ": expected at least one frame, found none");
      }
      var rows = new LinkedHashMap<FeatureExtractor, FeatureRows>();
      running.forEach((extractor, extraction) -> rows.put(extractor, extraction.end()));
      return rows;
    } catch (CheckpointException failure) {
      throw new CheckpointException("%s: %s".formatted(file, failure.getMessage()), failure);
    }
  }

  static RgbPicture bytes(VideoFrame frame) {
    int plane = frame.height() * frame.width();
    var rgb = new byte[RgbPicture.CHANNELS * plane];
    for (int pixel = 0, at = 0; pixel < plane; pixel++) {
      for (int c = 0; c < RgbPicture.CHANNELS; c++, at++) {
        rgb[at] = (byte) frame.toByte(c, pixel);
      }
    }
    return new RgbPicture(rgb, new PictureSize(frame.width(), frame.height()));
  }

  private static void requireFinite(Path file, String identity, FeatureRows rows) {
    float[] values = rows.values();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new CheckpointException(
            "%s: expected finite features, found %s at number %d of row %d of '%s'; is the network's precision too low, or its file damaged?"
                .formatted(file, values[i], i % rows.width(), i / rows.width(), named(identity)));
      }
    }
  }

  /** The kind of features, and the network by the beginning of its hash. */
  private static String named(String identity) {
    return identity.replaceFirst("^(\\S+ \\S{1,12}).*$", "$1");
  }
}
