package io.github.tpdiff.adapters.animatediff;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Whose group norms a network is run with; the same weights give different videos. */
public enum NormConvention {
  /** As diffusers runs every adapter: motion modules over the clip, all else frame by frame. */
  DIFFUSERS(NormStatistics.FRAME, NormStatistics.CLIP),
  /** As the authors trained v2 and v3: everything frame by frame. */
  ORIGINAL(NormStatistics.FRAME, NormStatistics.FRAME),
  /** As the authors trained v1: residual blocks over the clip, motion modules frame by frame. */
  ORIGINAL_V1(NormStatistics.CLIP, NormStatistics.FRAME);

  private final NormStatistics unet;
  private final NormStatistics motion;

  NormConvention(NormStatistics unet, NormStatistics motion) {
    this.unet = unet;
    this.motion = motion;
  }

  /** Of the residual blocks and the output. */
  NormStatistics unet() {
    return unet;
  }

  /** Of the motion modules. */
  NormStatistics motion() {
    return motion;
  }

  /** All, as configurations spell them. */
  static List<String> texts() {
    return Arrays.stream(values()).map(NormConvention::text).toList();
  }

  /** The one that is spelt so. */
  static Optional<NormConvention> find(String text) {
    return Arrays.stream(values()).filter(value -> value.text().equals(text)).findFirst();
  }

  /** As configurations spell it. */
  String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
