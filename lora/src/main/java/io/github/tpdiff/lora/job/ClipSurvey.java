package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.runtime.media.PictureReader;
import io.github.tpdiff.runtime.media.VideoInfo;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the videos and pictures of a data set are like.
 *
 * @param videos those that can be read and have a caption
 * @param pictures the sizes of those that can be and have one
 * @param caption of the first of them
 * @param total videos and pictures there are, with the others
 */
public record ClipSurvey(
    List<VideoInfo> videos, List<PictureSize> pictures, String caption, int total) {
  public ClipSurvey {
    videos = List.copyOf(videos);
    pictures = List.copyOf(pictures);
  }

  /**
   * Looks into every video and picture of a folder or list.
   *
   * @throws CheckpointException if none can be read and has a caption, saying what is wrong with
   *     the first
   */
  public static ClipSurvey of(Path source) {
    var videos = new ArrayList<VideoInfo>();
    var pictures = new ArrayList<PictureSize>();
    var captions = new ArrayList<String>();
    var faults = new ArrayList<String>();
    List<SourceVideo> all = SourceList.read(source).videos();
    for (SourceVideo video : all) {
      if (video.caption().isEmpty()) {
        faults.add(video.file() + ": expected a caption in a .txt of the same name, found none");
        continue;
      }
      try {
        if (video.isPicture()) {
          pictures.add(PictureReader.size(video.file()));
        } else {
          videos.add(VideoReader.probe(video.file()));
        }
        captions.add(video.caption().get());
      } catch (IOException unreadable) {
        faults.add(String.valueOf(unreadable.getMessage()));
      }
    }
    if (videos.isEmpty() && pictures.isEmpty()) {
      throw new CheckpointException(
          "%s: expected videos or pictures with captions, found none among %d (the first: %s)"
              .formatted(source, all.size(), faults.get(0)));
    }
    return new ClipSurvey(videos, pictures, captions.get(0), all.size());
  }

  /** The shapes of the videos; of the pictures where there are no videos. */
  List<PictureSize> shapes() {
    return videos.isEmpty()
        ? pictures
        : videos.stream().map(video -> new PictureSize(video.width(), video.height())).toList();
  }

  /** How many videos last at least so long. */
  long lasting(double seconds) {
    return videos.stream().filter(video -> video.seconds() >= seconds).count();
  }
}
