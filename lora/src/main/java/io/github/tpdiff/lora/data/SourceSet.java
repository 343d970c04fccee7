package io.github.tpdiff.lora.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One of the data sets of a training, and how clips are made of it.
 *
 * @param source a folder of videos and pictures or a list, see {@link SourceList}
 * @param sizes that its clips may have
 * @param extraction which frames of a video become clips
 * @param captions what is put before them
 * @param share how often its clips are visited
 */
public record SourceSet(
    Path source, ClipSizes sizes, Extraction extraction, CaptionRule captions, SetShare share) {
  /** The shapes of all files of folders and lists that can be read and have a caption. */
  public static List<BucketSizes.Candidate> look(List<Path> sources) {
    var found = new ArrayList<BucketSizes.Candidate>();
    for (Path source : sources) {
      for (SourceVideo video : SourceList.read(source).videos()) {
        try {
          if (video.caption().isPresent()) {
            found.add(ClipCutter.look(video));
          }
        } catch (IOException unreadable) {
          // Preparation says so, of this file and every other.
        }
      }
    }
    return found;
  }

  /** Clips from the beginning of each video, captions as they are. */
  public static SourceSet of(Path source, ClipSizes sizes, int clipsPerVideo) {
    return new SourceSet(
        source, sizes, Extraction.head(clipsPerVideo), CaptionRule.none(), SetShare.once());
  }
}
