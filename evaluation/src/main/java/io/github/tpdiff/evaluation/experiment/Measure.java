package io.github.tpdiff.evaluation.experiment;

/**
 * A figure of quality.
 *
 * @param name in results
 * @param words in the report
 * @param isMoreBetter whether a larger figure is a better one
 */
record Measure(String name, String words, boolean isMoreBetter) {
  /** Mean share of what a caption says that a clip shows. */
  static final Measure SCORE =
      new Measure("score", "Share of what the captions say that the clips show", true);

  /** Share of the clips that show all of it. */
  static final Measure ALL = new Measure("all", "Share of the clips that show all of it", true);

  /**
   * Fréchet distance of the generated clips' shape features from those of clips of the captions.
   */
  static final Measure DISTANCE =
      new Measure("distance", "Fréchet distance of the shapes from those of real clips", false);

  /** On clips held out; of arms with the same stages alone. */
  static final Measure LOSS =
      new Measure(
          "loss", "Loss on clips held out, in the last stage (the same stages alone)", false);

  /** Name of the share of the clips that pass a check. */
  static String check(String check) {
    return "check " + check;
  }

  /** Name of the loss of a stage. */
  static String loss(int stage) {
    return "loss of stage " + stage;
  }

  /** A figure such that more is better. */
  double quality(double figure) {
    return isMoreBetter ? figure : -figure;
  }
}
