package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.video.VideoClip;

/**
 * A clip for training, and what was done to get it.
 *
 * @param clip its frames
 * @param report what was retimed, dropped and cut
 * @param firstFrame of the video that the clip shows, counted from 0 in the order shown
 * @param lastFrame of the video that it shows
 */
public record ExtractedClip(VideoClip clip, ClipReport report, int firstFrame, int lastFrame) {}
