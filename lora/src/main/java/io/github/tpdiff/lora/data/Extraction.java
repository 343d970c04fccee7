package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Which frames of a video become clips.
 *
 * @param mode how they are chosen
 * @param stride of sliding clips, in frames of the clips' rate; empty for half a clip
 * @param most clips of a video; empty for all that there are
 */
public record Extraction(Mode mode, OptionalInt stride, OptionalInt most) {

  /** How the frames of clips are chosen. */
  public enum Mode {
    /** From the beginning, one clip after another. */
    HEAD,
    /** As many about the middle, one after another. */
    MIDDLE,
    /** A clip every so many frames. */
    SLIDING,
    /** Spread evenly from the beginning to the end; as many as cover the video, or fewer. */
    UNIFORM,
    /** One whose frames are spread over the whole video, whatever that does to its speed. */
    RETIMED,
    /** One, from the beginning, of as many frames as the video fills. */
    WHOLE;

    private boolean isOneClip() {
      return this == RETIMED || this == WHOLE;
    }
  }

  /**
   * @throws IllegalArgumentException if a number is out of range or does not go with the mode
   */
  public Extraction {
    most.ifPresent(
        count -> checkArgument(count >= 1, "data.clips_per_video: at least 1, found %s", count));
    stride.ifPresent(
        frames -> checkArgument(frames >= 1, "data.stride: at least 1, found %s", frames));
    checkArgument(
        stride.isEmpty() || mode == Mode.SLIDING,
        "data.stride: goes with extraction: sliding; leave it out");
    checkArgument(
        !mode.isOneClip() || most.orElse(1) == 1,
        "data.clips_per_video: retimed and whole give one clip of a video, found %s",
        most.orElse(1));
    boolean isAll = mode == Mode.SLIDING || mode == Mode.UNIFORM;
    most = most.isEmpty() && !isAll ? OptionalInt.of(1) : most;
  }

  /** So many clips from the beginning, one after another. */
  public static Extraction head(int clips) {
    return new Extraction(Mode.HEAD, OptionalInt.empty(), OptionalInt.of(clips));
  }

  /** What of it decides how latents come out, as part of a cache's name. */
  String made() {
    // As it was when there was no other.
    return mode == Mode.HEAD ? String.valueOf(limit()) : "%s %s %s".formatted(mode, stride, most);
  }

  /** Clips of a video, at most. */
  int limit() {
    return most.orElse(Integer.MAX_VALUE);
  }

  /**
   * Where clips begin, rising.
   *
   * @param there frames of the clips' rate that the video fills, about
   * @param clip frames of a clip
   */
  List<Integer> starts(int there, int clip) {
    int last = Math.max(0, there - clip);
    var starts = new ArrayList<Integer>();
    switch (mode) {
      case HEAD, RETIMED, WHOLE -> starts.add(0);
      case MIDDLE -> {
        int count = Math.max(1, Math.min(limit(), there / clip));
        int first = Math.max(0, there - count * clip) / 2;
        for (int i = 0; i < count; i++) {
          starts.add(first + i * clip);
        }
      }
      case SLIDING -> {
        int step = stride.orElse(Math.max(1, clip / 2));
        for (int start = 0; start <= last && starts.size() < limit(); start += step) {
          starts.add(start);
        }
      }
      case UNIFORM -> {
        int count = Math.max(1, Math.min(limit(), (there + clip - 1) / clip));
        for (int i = 0; i < count; i++) {
          starts.add(count == 1 ? 0 : (int) Math.round((double) last * i / (count - 1)));
        }
      }
    }
    return starts;
  }
}
