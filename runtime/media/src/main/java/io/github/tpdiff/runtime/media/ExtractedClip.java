package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.video.VideoClip;

/** A clip for training, and what was done to get it. */
public record ExtractedClip(VideoClip clip, ClipReport report) {}
