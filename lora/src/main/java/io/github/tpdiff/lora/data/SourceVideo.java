package io.github.tpdiff.lora.data;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A video of a data set.
 *
 * @param file the video
 * @param caption what it shows; empty if none was found
 * @param picture a file that shows what it begins with; empty if none was found
 */
public record SourceVideo(Path file, Optional<String> caption, Optional<Path> picture) {}
