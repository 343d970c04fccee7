package io.github.tpdiff.lora.train;

import java.nio.file.Path;

/**
 * A sampled video as people look at it.
 *
 * @param step steps done
 * @param prompt its number, from 0
 * @param file the video, or a picture where it has one frame
 * @param sheet PNG of some of its frames beside each other
 */
@SuppressWarnings("ArrayRecordComponent") // written once, never compared
public record SampleShown(int step, int prompt, Path file, byte[] sheet) {}
