package io.github.tpdiff.runtime.video;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * A clip in memory.
 *
 * @param data values in [-1, 1], row-major [1, 3, F, H, W], red first
 * @param frames F
 * @param height H in pixels
 * @param width W in pixels
 * @param fps frames per second
 */
@SuppressWarnings(
    "ArrayRecordComponent") // the form in which engines take it; clips are not compared
public record VideoClip(float[] data, int frames, int height, int width, double fps)
    implements Video {
  public VideoClip {
    checkArgument(
        frames >= 1 && height >= 1 && width >= 1,
        "clip: expected at least one frame and pixel, found %s frames of %s x %s",
        frames,
        width,
        height);
    checkArgument(fps > 0 && fps < 1e6, "fps: expected a positive number, found %s", fps);
    long expected = 3L * frames * height * width;
    checkArgument(
        data.length == expected, "data: expected %s values, found %s", expected, data.length);
  }

  /** Joins frames of one size. */
  public static VideoClip of(List<VideoFrame> frames, double fps) {
    checkArgument(!frames.isEmpty(), "frames: expected at least one, found none");
    int height = frames.get(0).height();
    int width = frames.get(0).width();
    int plane = height * width;
    var data = new float[Math.multiplyExact(Math.multiplyExact(3, frames.size()), plane)];
    for (int f = 0; f < frames.size(); f++) {
      var frame = frames.get(f);
      checkArgument(
          frame.height() == height && frame.width() == width,
          "frame %s: expected %s x %s, found %s x %s",
          f,
          width,
          height,
          frame.width(),
          frame.height());
      for (int c = 0; c < 3; c++) {
        System.arraycopy(frame.data(), c * plane, data, (c * frames.size() + f) * plane, plane);
      }
    }
    return new VideoClip(data, frames.size(), height, width, fps);
  }

  /**
   * A smaller clip: of the frames every so manieth from the first on, of rows and columns the mean
   * of each block, rounded once.
   *
   * @param time frames of this from one of the smaller clip's to the next
   * @param rows of a block
   * @param columns of a block
   * @throws IllegalArgumentException if rows or columns are no whole blocks
   */
  public VideoClip coarser(int time, int rows, int columns) {
    checkArgument(
        time >= 1 && rows >= 1 && columns >= 1 && height % rows == 0 && width % columns == 0,
        "clip: expected blocks of %s x %s pixels, found %s x %s",
        columns,
        rows,
        width,
        height);
    if (time == 1 && rows == 1 && columns == 1) {
      return this;
    }
    int kept = (frames + time - 1) / time;
    int down = height / rows;
    int across = width / columns;
    var smaller = new float[3 * kept * down * across];
    for (int i = 0; i < smaller.length; i++) {
      int row = i / across;
      int plane = row / down;
      int frame = plane / kept * frames + plane % kept * time;
      int from = (frame * height + row % down * rows) * width + i % across * columns;
      double sum = 0;
      for (int y = 0; y < rows; y++) {
        for (int x = 0; x < columns; x++) {
          sum += data[from + y * width + x];
        }
      }
      smaller[i] = (float) (sum / (rows * columns));
    }
    return new VideoClip(smaller, kept, down, across, fps / time);
  }

  @Override
  public VideoFormat format() {
    return new VideoFormat(width, height, fps);
  }

  @Override
  public <E extends Exception> void decode(FrameConsumer<E> consumer) throws E {
    for (int i = 0; i < frames; i++) {
      consumer.accept(frame(i));
    }
  }

  /** Copies one frame out. */
  public VideoFrame frame(int index) {
    checkArgument(
        index >= 0 && index < frames, "frame: expected 0 to %s, found %s", frames - 1, index);
    int plane = height * width;
    var frame = new float[3 * plane];
    for (int c = 0; c < 3; c++) {
      System.arraycopy(data, (c * frames + index) * plane, frame, c * plane, plane);
    }
    return new VideoFrame(frame, height, width, index / fps);
  }
}
