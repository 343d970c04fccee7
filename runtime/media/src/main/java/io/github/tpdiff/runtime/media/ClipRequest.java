package io.github.tpdiff.runtime.media;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * What training wants of a video.
 *
 * @param frames how many frames a clip has
 * @param fps frames per second of the clip
 * @param width width in pixels
 * @param height height in pixels
 * @param startSeconds where the first clip begins
 */
public record ClipRequest(
    FrameCount frames, double fps, int width, int height, double startSeconds) {
  public ClipRequest {
    checkArgument(fps > 0 && fps < 1e6, "fps: expected a positive number, found %s", fps);
    checkArgument(
        width >= 1 && height >= 1, "size: expected at least 1 x 1, found %s x %s", width, height);
    checkArgument(
        startSeconds >= 0 && startSeconds < 1e9,
        "startSeconds: expected 0 or more, found %s",
        startSeconds);
  }
}
