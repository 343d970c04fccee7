package io.github.tpdiff.lora.data;

/**
 * Which pictures a model is told of in training, if it is told of any.
 *
 * @param first where the picture comes from that a clip begins with
 * @param last whether it is told of the clip's last frame too, where clips have more than one
 */
public record PictureChoice(Source first, boolean last) {

  /** Where the picture comes from that a clip begins with. */
  public enum Source {
    /** It is the clip's own first frame. */
    FIRST_FRAME,
    /**
     * It is in a file beside the video, of the same name, or in one that a list names; later clips
     * of the video, and those of videos without such a file, have their own first frame.
     */
    FILES
  }

  /** The clips' own first frames. */
  public static PictureChoice firstFrames() {
    return new PictureChoice(Source.FIRST_FRAME, false);
  }
}
