package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.ClipEncoders.CaptionEncoder;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the captions and prompts of a training decide, in a folder.
 *
 * @param folder of the caches
 * @param encoders that make them
 * @param byText the cache of each text
 */
record CaptionCaches(Path folder, ClipEncoders encoders, Map<String, CaptionCache> byText) {
  static CaptionCaches in(Path cache, ClipEncoders encoders) {
    return new CaptionCaches(cache.resolve("captions"), encoders, new LinkedHashMap<>());
  }

  /** Makes what is not there yet; the encoder is loaded if something is not, and freed. */
  void make(Collection<String> texts) {
    if (!areAllThere(texts)) {
      try (CaptionEncoder encoder = encoders.openCaptions()) {
        make(encoder);
      }
    }
  }

  /** Whether nothing is to be made for some texts. */
  boolean areAllThere(Collection<String> texts) {
    String fingerprint = encoders.captionsFingerprint();
    for (String text : texts) {
      byText.computeIfAbsent(
          text,
          own -> new CaptionCache(folder.resolve(VideoEncoding.fileOf(own + '\0' + fingerprint))));
    }
    return byText.values().stream().allMatch(CaptionCache::exists);
  }

  /** Makes what is not there yet of the texts that were asked about. */
  void make(CaptionEncoder encoder) {
    byText.forEach(
        (caption, cache) -> {
          if (!cache.exists()) {
            cache.write(caption, encoder.encode(caption));
          }
        });
  }

  /** The cache of a text that was made. */
  CaptionCache of(String text) {
    return java.util.Objects.requireNonNull(byText.get(text), text);
  }

  List<CaptionCache> of(List<String> texts) {
    return texts.stream().map(this::of).toList();
  }
}
