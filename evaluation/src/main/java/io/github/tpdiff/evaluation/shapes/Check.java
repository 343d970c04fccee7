package io.github.tpdiff.evaluation.shapes;

/** What a clip made from a caption is held to. */
public enum Check {
  /** One thing of colour, of a shape's size, in nine frames of ten. */
  FOUND,
  /** Of the colour that the caption says. */
  COLOUR,
  /** Circle, square or triangle as it says. */
  KIND,
  /** Small or large as it says. */
  SIZE,
  /** It moves where the caption says. */
  HEADING,
  /** It goes as far as the caption says. */
  PACE,
  /** On a straight line, evenly, without a jump. */
  TRACK,
  /** It turns back if and only if the caption says so. */
  BOUNCE,
  /** What is behind it does not move. */
  STILL,
  /** What is behind it is as bright as the caption says. */
  GROUND
}
