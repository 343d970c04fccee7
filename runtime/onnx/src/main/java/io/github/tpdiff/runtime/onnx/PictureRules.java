package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PictureUse.Last;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import java.util.ArrayList;
import java.util.List;

/** How pictures become conditions, in words. */
final class PictureRules {
  private PictureRules() {}

  /**
   * The rules of a model, a sentence for each thing to do, in their order.
   *
   * @param factor pixel frames of a latent frame
   * @param stages that are told of them
   */
  static String of(PictureUse use, int factor, StageConfig stages) {
    List<String> rules = new ArrayList<>();
    rules.add(geometry(use.geometry()));
    boolean last = use.last() != Last.NEVER;
    switch (use.given()) {
      case CLIP -> {
        rules.add(
            "A clip of the video's length, the picture in its first frame%s and 0, mid grey, in all others, goes through `encoder` as a whole"
                .formatted(last ? ", the last picture in its last" : ""));
        rules.add(
            "The condition is %s mask channels, then the latents, normalised: (latent - mean) / std; the masks are 1 in the first latent frame%s, else 0"
                .formatted(
                    factor,
                    last
                        ? ", of the last latent frame that of the last mask channel where there is a last picture"
                        : ""));
        rules.add(ofStages(stages));
      }
      case FIRST_FRAME -> {
        rules.add("The picture alone goes through `encoder`, as a clip of one frame");
        rules.add(
            "The condition is one mask channel, 1 in the first latent frame, else 0, then latents: those of the picture, normalised as (latent - mean) / std, in that frame, else 0; without a picture it is all zeros");
        rules.add(ofStages(stages));
        rules.add(
            "The graph itself puts given frames in the place of noisy ones, at time 0, and predicts 0 there; when all stages are done, put them into the result");
      }
    }
    use.encoder()
        .ifPresent(
            encoder ->
                rules.add(
                    encoder.squashed()
                        ? "The image encoder sees the whole picture as it is in its file, squashed to `crop` as above, then x * 0.5 + 0.5 and (x - mean) / std"
                        : "The image encoder sees the picture as it is in its file: its shorter side resized to `shortest_edge` by Pillow, the middle cut out as `crop` says, bytes times `rescale`, then (x - mean) / std"));
    rules.add("Pictures are the same for the prompt and for the negative one");
    return String.join(". ", rules) + ".";
  }

  /** What of it a stage is given. */
  private static String ofStages(StageConfig stages) {
    if (stages.targets() == Targets.PIXEL) {
      return "It is made anew for each stage, whose latents are those of a smaller video";
    }
    String frames = "It is made for the whole video; a stage is given its latent frames n * stride";
    if (stages.largestStrides().isOfTimeAlone()) {
      return frames;
    }
    return frames
        + (stages.space().downsampling() == Downsampling.MEAN
            ? ", and of rows and columns the means of blocks of its strides"
            : ", and of rows and columns the first of blocks of its strides");
  }

  private static String geometry(PictureGeometry geometry) {
    String size =
        switch (geometry) {
          case STRETCH -> "Both sides of the picture are scaled to the video's by Pillow's Lanczos";
          case CROP ->
              "The picture is scaled by Pillow's Lanczos until it covers the video's size, and cut evenly";
          case SQUASH ->
              "Both sides of the picture are scaled to the video's by torch's bicubic interpolation, on numbers in [-1, 1], which it may overshoot";
        };
    return size + "; bytes are x / 127.5 - 1";
  }
}
