package io.github.tpdiff.runtime.media;

/**
 * What a video file holds.
 *
 * @param frames number of frames, counted
 * @param fps mean frames per second
 * @param variableFrameRate whether frames are shown for clearly different times
 * @param width width in pixels as shown, after turning
 * @param height height in pixels as shown, after turning
 * @param codec the codec's short name, such as h264
 */
public record VideoInfo(
    int frames, double fps, boolean variableFrameRate, int width, int height, String codec) {

  /** Length in seconds. */
  public double seconds() {
    return frames / fps;
  }
}
