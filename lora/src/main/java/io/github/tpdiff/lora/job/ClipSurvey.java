package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.runtime.media.VideoInfo;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the videos of a data set are like.
 *
 * @param videos those that can be read and have a caption
 * @param caption of the first of them
 * @param total videos there are, with the others
 */
public record ClipSurvey(List<VideoInfo> videos, String caption, int total) {
  public ClipSurvey {
    videos = List.copyOf(videos);
  }

  /**
   * Looks into every video of a folder or list.
   *
   * @throws CheckpointException if none can be read and has a caption, saying what is wrong with
   *     the first
   */
  public static ClipSurvey of(Path source) {
    var videos = new ArrayList<VideoInfo>();
    var captions = new ArrayList<String>();
    var faults = new ArrayList<String>();
    List<SourceVideo> all = SourceList.read(source).videos();
    for (SourceVideo video : all) {
      if (video.caption().isEmpty()) {
        faults.add(video.file() + ": expected a caption in a .txt of the same name, found none");
        continue;
      }
      try {
        videos.add(VideoReader.probe(video.file()));
        captions.add(video.caption().get());
      } catch (IOException unreadable) {
        faults.add(String.valueOf(unreadable.getMessage()));
      }
    }
    if (videos.isEmpty()) {
      throw new CheckpointException(
          "%s: expected videos with captions, found none among %d (the first: %s)"
              .formatted(source, all.size(), faults.get(0)));
    }
    return new ClipSurvey(videos, captions.get(0), all.size());
  }

  /** How many last at least so long. */
  long lasting(double seconds) {
    return videos.stream().filter(video -> video.seconds() >= seconds).count();
  }
}
