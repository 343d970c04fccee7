package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.picture.PictureSize;
import java.util.OptionalDouble;

/**
 * What the beginning of a video file says of it.
 *
 * @param shown width and height as players show it: turned, and of square pixels
 * @param seconds its length as the header has it, which may be wrong; empty where it says none
 */
public record VideoOutline(PictureSize shown, OptionalDouble seconds) {}
