package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import io.github.tpdiff.runtime.media.ClipReader;
import io.github.tpdiff.runtime.media.ClipRequest;
import io.github.tpdiff.runtime.media.DamagedVideoException;
import io.github.tpdiff.runtime.media.ExtractedClip;
import io.github.tpdiff.runtime.media.FrameCount;
import io.github.tpdiff.runtime.media.VideoInfo;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Cuts a video into clips of the size that is nearest to its shape, of those the longest it fills.
 */
record ClipCutter(List<VideoSize> sizes, int clipsPerVideo) {

  /** A clip and how it was made. */
  record Cut(VideoClip clip, PreparedVideo.Clip made) {}

  /** A video that gives no clip. */
  static final class DroppedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final Rule rule;

    DroppedException(Rule rule, String why) {
      super(why);
      this.rule = rule;
    }

    Rule rule() {
      return rule;
    }

    @Override
    public String getMessage() {
      return java.util.Objects.requireNonNull(super.getMessage());
    }
  }

  List<Cut> cut(Path file) throws DroppedException {
    VideoInfo info;
    try {
      info = VideoReader.probe(file);
      for (VideoSize size : inOrder(info)) {
        List<Cut> cuts = cut(file, size);
        if (!cuts.isEmpty()) {
          return cuts;
        }
      }
    } catch (IOException failure) {
      throw new DroppedException(Rule.UNREADABLE, String.valueOf(failure.getMessage()));
    }
    VideoSize shortest =
        sizes.stream().min(Comparator.comparingDouble(s -> s.frames() / s.fps())).orElseThrow();
    throw new DroppedException(
        Rule.TOO_SHORT,
        String.format(
            Locale.ROOT,
            "expected %d frames at %s fps (%.2f s), found %.2f s",
            shortest.frames(),
            shortest.fps(),
            shortest.frames() / shortest.fps(),
            info.seconds()));
  }

  private List<VideoSize> inOrder(VideoInfo info) {
    double shape = Math.log(info.width() / (double) info.height());
    return sizes.stream()
        .sorted(
            Comparator.<VideoSize>comparingDouble(
                    s -> Math.abs(Math.log(s.width() / (double) s.height()) - shape))
                .thenComparing(s -> -s.frames()))
        .toList();
  }

  private List<Cut> cut(Path file, VideoSize size) throws IOException {
    var request =
        new ClipRequest(
            FrameCount.exactly(size.frames()), size.fps(), size.width(), size.height(), 0);
    var cuts = new ArrayList<Cut>();
    try (var reader = ClipReader.open(file, request)) {
      while (cuts.size() < clipsPerVideo) {
        var clip = reader.next();
        if (clip.isEmpty()) {
          break;
        }
        cuts.add(cut(clip.get(), size));
      }
    } catch (DamagedVideoException damaged) {
      if (cuts.isEmpty()) {
        throw damaged;
      }
      Cut last = cuts.remove(cuts.size() - 1);
      cuts.add(
          new Cut(
              last.clip(),
              new PreparedVideo.Clip(
                  last.made().report() + "; the file is damaged after it", last.made().scale())));
    }
    return cuts;
  }

  private static Cut cut(ExtractedClip clip, VideoSize size) {
    return new Cut(
        clip.clip(),
        new PreparedVideo.Clip(
            String.format(
                Locale.ROOT,
                "%d frames of %d x %d, %s",
                size.frames(),
                size.width(),
                size.height(),
                clip.report().summary()),
            clip.report().scale()));
  }
}
