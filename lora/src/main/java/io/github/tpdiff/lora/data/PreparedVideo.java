package io.github.tpdiff.lora.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What became of a video.
 *
 * @param file the video
 * @param clips that were made
 * @param cached whether they were there already
 * @param drop why there is none
 */
public record PreparedVideo(Path file, List<Clip> clips, boolean cached, Optional<Drop> drop) {
  /**
   * A clip.
   *
   * @param report what was retimed, dropped and cut, in one line
   * @param scale factor from the video's size to the clip's; above 1 it was enlarged
   */
  public record Clip(String report, double scale) {
    /** Rounding to whole pixels is no enlargement. */
    private static final double ENLARGED = 1.02;

    boolean isEnlarged() {
      return scale > ENLARGED;
    }
  }

  /** Rules by which a video is left out. */
  public enum Rule {
    NO_CAPTION("without a caption"),
    TOO_SHORT("too short"),
    UNREADABLE("unreadable");

    private final String words;

    Rule(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  /**
   * Why a video was left out.
   *
   * @param rule that did it
   * @param why in one line, with what was expected and found
   */
  public record Drop(Rule rule, String why) {}

  public PreparedVideo {
    clips = List.copyOf(clips);
  }

  static PreparedVideo dropped(Path file, Rule rule, String why) {
    return new PreparedVideo(file, List.of(), false, Optional.of(new Drop(rule, why)));
  }
}
