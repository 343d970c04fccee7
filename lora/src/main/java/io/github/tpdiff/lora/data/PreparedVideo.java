package io.github.tpdiff.lora.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What became of a video or picture.
 *
 * @param file the video or picture
 * @param clips that were made
 * @param cached whether they were there already
 * @param drop why there is none
 * @param content what it has in it; empty if it was dropped
 * @param set number of the data set that it is of
 */
public record PreparedVideo(
    Path file,
    List<Clip> clips,
    boolean cached,
    Optional<Drop> drop,
    Optional<Content> content,
    int set) {
  /**
   * A clip.
   *
   * @param report what was retimed, dropped and cut, in one line
   * @param scale factor from the video's size to the clip's; above 1 it was enlarged
   * @param frames of the video that it shows; empty of clips that an earlier version cached
   */
  public record Clip(String report, double scale, Optional<Span> frames) {
    /** The beginning of every report, which says the clip's size. */
    private static final Pattern SIZE = Pattern.compile("(\\d+) frames of (\\d+) x (\\d+),.*");

    /** Rounding to whole pixels is no enlargement. */
    private static final double ENLARGED = 1.02;

    boolean isEnlarged() {
      return scale > ENLARGED;
    }

    /**
     * A clip of a size.
     *
     * @param how it was made
     */
    static Clip of(ClipSize size, String how, double scale, Span frames) {
      return new Clip(
          String.format(
              Locale.ROOT,
              "%d frames of %d x %d, %s",
              size.frames(),
              size.width(),
              size.height(),
              how),
          scale,
          Optional.of(frames));
    }

    /** Its size, as the report has it. */
    ClipSize size() {
      Matcher words = SIZE.matcher(report);
      return words.matches()
          ? new ClipSize(
              Integer.parseInt(words.group(2)),
              Integer.parseInt(words.group(3)),
              Integer.parseInt(words.group(1)))
          : new ClipSize(0, 0, 0);
    }
  }

  /**
   * A part of a video.
   *
   * @param first frame, counted from 0 in the order shown
   * @param last frame
   * @param startSeconds when it begins
   * @param endSeconds when it ends
   */
  public record Span(int first, int last, double startSeconds, double endSeconds) {
    /** All of a picture. */
    static Span picture() {
      return new Span(0, 0, 0, 0);
    }
  }

  /**
   * What a file has in it.
   *
   * @param sha256 of it
   * @param latents name of the file of its clips' latents
   */
  public record Content(String sha256, String latents) {}

  /** Rules by which a video is left out. */
  public enum Rule {
    NO_CAPTION("without a caption"),
    TOO_SHORT("too short"),
    PICTURE("pictures that this model cannot train on"),
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

  static PreparedVideo dropped(Path file, Drop drop, int set) {
    return new PreparedVideo(file, List.of(), false, Optional.of(drop), Optional.empty(), set);
  }

  /** Whether it is a picture, by the ending of its name. */
  boolean isPicture() {
    return new SourceVideo(file, Optional.empty(), Optional.empty()).isPicture();
  }
}
