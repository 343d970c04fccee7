package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Videos that are measured together.
 *
 * @param name of the set in reports
 * @param source the folder or list
 * @param videos in order of name or line
 */
public record VideoSet(String name, Path source, List<SourceVideo> videos) {
  /** What VBench puts behind a prompt to tell its videos apart. */
  private static final Pattern NUMBER = Pattern.compile("-\\d+$");

  /** Where captions come from. */
  public enum Captions {
    /** A text beside the video, or the list. */
    BESIDE,
    /** The name of the file without its ending, and without a number as in {@code prompt-0.mp4}. */
    NAMES
  }

  public VideoSet {
    videos = List.copyOf(videos);
  }

  /**
   * The videos of a folder or list; its pictures are none.
   *
   * @throws CheckpointException if there is none
   */
  public static VideoSet read(String name, Path source, Captions captions) {
    List<SourceVideo> videos =
        SourceList.read(source).videos().stream()
            .filter(video -> !video.isPicture())
            .map(video -> captions == Captions.NAMES ? named(video) : video)
            .toList();
    if (videos.isEmpty()) {
      throw new CheckpointException("%s: expected videos, found pictures alone".formatted(source));
    }
    return new VideoSet(name, source, videos);
  }

  private static SourceVideo named(SourceVideo video) {
    String file = video.file().getFileName().toString();
    int dot = file.lastIndexOf('.');
    String stem = dot < 0 ? file : file.substring(0, dot);
    return new SourceVideo(
        video.file(), Optional.of(NUMBER.matcher(stem).replaceFirst("")), video.picture());
  }
}
