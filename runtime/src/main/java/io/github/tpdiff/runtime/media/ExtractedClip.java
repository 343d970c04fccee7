package io.github.tpdiff.runtime.media;

/** A clip for training, and what was done to get it. */
public record ExtractedClip(VideoClip clip, ClipReport report) {}
