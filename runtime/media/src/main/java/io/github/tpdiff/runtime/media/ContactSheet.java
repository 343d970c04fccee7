package io.github.tpdiff.runtime.media;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A picture of several clips: a row a clip, evenly spaced frames from left to right, the first and
 * the last among them.
 */
public final class ContactSheet {
  private static final int GAP = 4;
  private static final int BACKGROUND = 0x202020;

  private final int columns;
  private final List<VideoClip> rows = new ArrayList<>();

  /** A sheet with at most this many frames of each clip. */
  public ContactSheet(int columns) {
    checkArgument(columns >= 1, "columns: expected at least 1, found %s", columns);
    this.columns = columns;
  }

  /** Adds a row. */
  public ContactSheet add(VideoClip clip) {
    rows.add(clip);
    return this;
  }

  /**
   * Writes the sheet as PNG, replacing the file.
   *
   * @throws IllegalStateException if it has no rows
   */
  public void write(Path file) throws IOException {
    PngWriter.write(file, paint());
  }

  /**
   * The sheet as PNG.
   *
   * @throws IllegalStateException if it has no rows
   */
  public byte[] png() throws IOException {
    return PngWriter.encoded(paint());
  }

  private BufferedImage paint() {
    if (rows.isEmpty()) {
      throw new IllegalStateException("contact sheet: expected at least one clip, found none");
    }
    int width = GAP + rows.stream().mapToInt(c -> shown(c) * (c.width() + GAP)).max().orElseThrow();
    int height = GAP + rows.stream().mapToInt(c -> c.height() + GAP).sum();
    var sheet = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    fill(sheet);
    int top = GAP;
    for (var clip : rows) {
      paintRow(sheet, clip, top);
      top += clip.height() + GAP;
    }
    return sheet;
  }

  private static void fill(BufferedImage sheet) {
    for (int y = 0; y < sheet.getHeight(); y++) {
      for (int x = 0; x < sheet.getWidth(); x++) {
        sheet.setRGB(x, y, BACKGROUND);
      }
    }
  }

  private void paintRow(BufferedImage sheet, VideoClip clip, int top) {
    int shown = shown(clip);
    for (int column = 0; column < shown; column++) {
      int frame = frame(column, shown, clip.frames());
      PngWriter.paint(sheet, clip.frame(frame), GAP + column * (clip.width() + GAP), top);
    }
  }

  /** The frame in a column of those shown. */
  private static int frame(int column, int shown, int frames) {
    return shown == 1 ? 0 : Math.round(column * (frames - 1) / (shown - 1f));
  }

  /** Gathers the frames of one video that a row shows, as they come. */
  public static final class Row {
    private final Set<Integer> chosen = new HashSet<>();
    private final List<VideoFrame> frames = new ArrayList<>();
    private int passed;

    /**
     * @param columns at most
     * @param frames of the video
     */
    public Row(int columns, int frames) {
      int shown = Math.min(columns, frames);
      for (int column = 0; column < shown; column++) {
        chosen.add(frame(column, shown, frames));
      }
    }

    /** Keeps the frame if it is shown. */
    public void pass(VideoFrame frame) {
      if (chosen.contains(passed++)) {
        frames.add(frame);
      }
    }

    /** The sheet of this row alone. */
    public ContactSheet sheet() {
      return sheetWithin(Integer.MAX_VALUE);
    }

    /**
     * The same of smaller frames: halved until the row is so wide at most, as long as they divide.
     *
     * @param width in pixels
     */
    public ContactSheet sheetWithin(int width) {
      VideoClip clip = VideoClip.of(frames, 1);
      while ((long) frames.size() * (clip.width() + GAP) > width
          && clip.width() % 2 == 0
          && clip.height() % 2 == 0) {
        clip = clip.coarser(1, 2, 2);
      }
      return new ContactSheet(frames.size()).add(clip);
    }
  }

  private int shown(VideoClip clip) {
    return Math.min(columns, clip.frames());
  }
}
