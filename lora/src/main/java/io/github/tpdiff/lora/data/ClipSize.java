package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A clip's size as users write it: {@code 832x480x81}.
 *
 * @param width pixels
 * @param height pixels
 * @param frames pixel frames
 */
public record ClipSize(int width, int height, int frames) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,5})x(\\d{1,5})x(\\d{1,6})");

  /** Of a video. */
  public static ClipSize of(VideoSize size) {
    return new ClipSize(size.width(), size.height(), size.frames());
  }

  /**
   * From a text.
   *
   * @throws IllegalArgumentException if it has another form
   */
  public static ClipSize parse(String text) {
    Matcher form = FORM.matcher(text.strip());
    if (!form.matches()) {
      throw new IllegalArgumentException("size: expected 832x480x81, found " + text);
    }
    return new ClipSize(
        Integer.parseInt(form.group(1)),
        Integer.parseInt(form.group(2)),
        Integer.parseInt(form.group(3)));
  }

  @Override
  public String toString() {
    return width + "x" + height + "x" + frames;
  }
}
