package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.hash.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.Map;
import java.util.Set;

/** Which videos and pictures are held out to validate on. */
final class HeldOut {
  private HeldOut() {}

  /**
   * Chooses by content: at least one if {@code share} is above 0.
   *
   * @param latents names of the files of their latents, by what they have in them
   * @return what the chosen ones have in them
   * @throws IllegalArgumentException if nothing would be left to train on
   */
  static Set<String> of(Map<String, String> latents, double share) {
    checkArgument(share >= 0 && share < 1, "data.validation: in [0, 1), found %s", share);
    int out = (int) Math.ceil(share * latents.size());
    checkArgument(
        out < latents.size(),
        "data.validation: holding out %s of %s videos leaves none to train on; add videos or set it"
            + " to 0",
        out,
        latents.size());
    return Set.copyOf(
        latents.entrySet().stream()
            .sorted(Comparator.comparing(video -> hash(video.getValue())))
            .map(Map.Entry::getKey)
            .limit(out)
            .toList());
  }

  private static String hash(String text) {
    return Hashing.sha256().hashString(text, StandardCharsets.UTF_8).toString();
  }
}
