package io.github.tpdiff.lora.data;

/**
 * What of a clip's caption and picture the network is shown beside the clip.
 *
 * @param caption whether it is, or else the prompt that stands in for dropped captions
 * @param picture whether it is, or else none
 */
public record Shown(boolean caption, boolean picture) {
  /** Both. */
  public static Shown all() {
    return new Shown(true, true);
  }

  /** Neither. */
  public static Shown nothing() {
    return new Shown(false, false);
  }
}
