package io.github.tpdiff.evaluation.shapes;

/** Where a shape moves. */
public enum Heading {
  RIGHT("left to right", 1, 0),
  LEFT("right to left", -1, 0),
  DOWN("top to bottom", 0, 1),
  UP("bottom to top", 0, -1);

  private final String words;
  private final int across;
  private final int down;

  Heading(String words, int across, int down) {
    this.words = words;
    this.across = across;
    this.down = down;
  }

  String words() {
    return words;
  }

  /** Columns on the way of a pixel: -1, 0 or 1. */
  int across() {
    return across;
  }

  /** Rows likewise. */
  int down() {
    return down;
  }
}
