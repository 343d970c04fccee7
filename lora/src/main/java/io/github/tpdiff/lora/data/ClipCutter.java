package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import io.github.tpdiff.lora.data.PreparedVideo.Span;
import io.github.tpdiff.runtime.media.ClipReader;
import io.github.tpdiff.runtime.media.ClipRequest;
import io.github.tpdiff.runtime.media.ExtractedClip;
import io.github.tpdiff.runtime.media.FrameCount;
import io.github.tpdiff.runtime.media.PictureReader;
import io.github.tpdiff.runtime.media.VideoInfo;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.media.WindowReader;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * Cuts a video into clips of the size that is nearest to its shape, of those the longest it fills.
 * Clips are handed on one by one; one is in memory at a time.
 *
 * @param sizes that clips may have
 * @param extraction which frames become clips
 */
record ClipCutter(ClipSizes sizes, Extraction extraction) {

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

  /** The size of a picture that is trained on as a clip, of the sizes of videos of its shape. */
  static VideoSize still(VideoSize size) {
    return new VideoSize(size.height(), size.width(), 1, size.fps());
  }

  /**
   * A file's shape and, of a video, its length, from its beginning.
   *
   * @throws IOException if it cannot be read
   */
  static BucketSizes.Candidate look(SourceVideo source) throws IOException {
    if (source.isPicture()) {
      return new BucketSizes.Candidate(
          PictureReader.size(source.file()), OptionalDouble.empty(), true);
    }
    var outline = VideoReader.outline(source.file());
    return new BucketSizes.Candidate(outline.shown(), outline.seconds(), false);
  }

  /** Cuts a video, or makes a clip of a picture. */
  void cut(SourceVideo source, Consumer<Cut> clips) throws DroppedException {
    try {
      if (source.isPicture()) {
        clips.accept(picture(source.file()));
      } else {
        video(source.file(), clips);
      }
    } catch (IOException failure) {
      throw new DroppedException(Rule.UNREADABLE, String.valueOf(failure.getMessage()));
    }
  }

  private void video(Path file, Consumer<Cut> clips) throws IOException, DroppedException {
    VideoInfo info = VideoReader.probe(file);
    PictureSize shown =
        sizes.followShapes()
            ? VideoReader.outline(file).shown()
            : new PictureSize(info.width(), info.height());
    List<VideoSize> own = sizes.of(shown);
    for (VideoSize size : own) {
      if (cut(file, info, size, clips)) {
        return;
      }
    }
    VideoSize shortest =
        own.stream().min(Comparator.comparingDouble(s -> s.frames() / s.fps())).orElseThrow();
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

  /** Whether there is a clip of a size. */
  private boolean cut(Path file, VideoInfo info, VideoSize size, Consumer<Cut> clips)
      throws IOException {
    // A moment more would be past the end.
    int there = (int) Math.ceil(info.seconds() * size.fps() - 0.01);
    return switch (extraction.mode()) {
      case HEAD, WHOLE -> inOrder(file, size, size.fps(), 0, clips);
      case RETIMED ->
          info.frames() >= size.frames()
              && inOrder(file, size, size.frames() / info.seconds(), 0, clips);
      case MIDDLE ->
          inOrder(file, size, size.fps(), extraction.starts(there, size.frames()).get(0), clips);
      case SLIDING, UNIFORM -> windows(file, size, there, clips);
    };
  }

  private static ClipRequest request(VideoSize size, double fps, double start) {
    return new ClipRequest(
        FrameCount.exactly(size.frames()), fps, size.width(), size.height(), start);
  }

  private boolean inOrder(Path file, VideoSize size, double fps, int start, Consumer<Cut> clips)
      throws IOException {
    int count = 0;
    try (var reader = ClipReader.open(file, request(size, fps, start / fps))) {
      while (count < extraction.limit()) {
        Optional<ExtractedClip> clip = reader.next();
        if (clip.isEmpty()) {
          break;
        }
        clips.accept(cut(clip.get(), size));
        count++;
      }
    }
    return count > 0;
  }

  private boolean windows(Path file, VideoSize size, int there, Consumer<Cut> clips)
      throws IOException {
    int count = 0;
    try (var reader = WindowReader.open(file, request(size, size.fps(), 0))) {
      for (int start : extraction.starts(there, size.frames())) {
        Optional<ExtractedClip> clip = reader.at(start);
        if (clip.isEmpty()) {
          break;
        }
        clips.accept(cut(clip.get(), size));
        count++;
      }
    }
    return count > 0;
  }

  private static Cut cut(ExtractedClip clip, VideoSize size) {
    var span =
        new Span(
            clip.firstFrame(),
            clip.lastFrame(),
            clip.report().startSeconds(),
            clip.report().endSeconds());
    return new Cut(
        clip.clip(),
        PreparedVideo.Clip.of(
            ClipSize.of(size), clip.report().summary(), clip.report().scale(), span));
  }

  private Cut picture(Path file) throws IOException {
    RgbPicture picture = PictureReader.read(file);
    VideoSize size = still(sizes.of(picture.size()).get(0));
    var values = PictureGeometry.CROP.frame(picture, new PictureSize(size.width(), size.height()));
    double scale =
        Math.max(
            size.width() / (double) picture.width(), size.height() / (double) picture.height());
    String how =
        String.format(
            Locale.ROOT,
            "a picture of %s, scaled by %.3g, %d columns and %d rows cut",
            picture.size(),
            scale,
            Math.round(picture.width() * scale) - size.width(),
            Math.round(picture.height() * scale) - size.height());
    return new Cut(
        new VideoClip(values.data(), 1, size.height(), size.width(), size.fps()),
        PreparedVideo.Clip.of(ClipSize.of(size), how, scale, Span.picture()));
  }
}
