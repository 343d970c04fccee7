package io.github.tpdiff.evaluation.shapes;

import java.util.List;

/**
 * The even motion on a line, or there and back, that is nearest to the places where a shape was
 * found.
 *
 * @param across how far it goes to the right, in shorter sides: to where it turns and on as far as
 *     the rest of its way
 * @param down likewise
 * @param turn share of its way after which it turns back; 1 if it does not
 * @param wander root of the mean square distance of the places from the motion
 * @param jump the largest distance
 */
record Track(double across, double down, double turn, double wander, double jump) {
  /**
   * Where a shape was found.
   *
   * @param share of the clip's time
   */
  record Place(double share, double x, double y) {}

  /** Turns nearer to the ends are not told from an uneven motion. */
  private static final double FIRST_TURN = 0.15;

  private static final int TURNS = 71;

  /** A straight motion has to be this far off before a turn is looked for. */
  private static final double STRAIGHT = 0.015;

  /** Share of the straight motion's error that one with a turn may have. */
  private static final double BETTER = 0.5;

  /**
   * The nearest motion; one with a turn only where it is much nearer.
   *
   * @param places at least 3
   */
  static Track of(List<Place> places) {
    Track straight = nearest(places, 1);
    if (straight.wander <= STRAIGHT) {
      return straight;
    }
    Track best = straight;
    for (int i = 0; i < TURNS; i++) {
      double turn = FIRST_TURN + (1 - 2 * FIRST_TURN) * i / (TURNS - 1.0);
      Track other = nearest(places, turn);
      best = other.wander < best.wander ? other : best;
    }
    return best.wander < BETTER * straight.wander ? best : straight;
  }

  /** Least squares of place = start + way * gone. */
  private static Track nearest(List<Place> places, double turn) {
    double[] gone = places.stream().mapToDouble(p -> gone(p.share(), turn)).toArray();
    double[] x = places.stream().mapToDouble(Place::x).toArray();
    double[] y = places.stream().mapToDouble(Place::y).toArray();
    double across = slope(gone, x);
    double down = slope(gone, y);
    double meanGone = mean(gone);
    double meanX = mean(x);
    double meanY = mean(y);
    double squares = 0;
    double jump = 0;
    for (int i = 0; i < gone.length; i++) {
      double off =
          Math.hypot(
              x[i] - meanX - across * (gone[i] - meanGone),
              y[i] - meanY - down * (gone[i] - meanGone));
      squares += off * off / gone.length;
      jump = Math.max(jump, off);
    }
    return new Track(across, down, turn, Math.sqrt(squares), jump);
  }

  private static double gone(double share, double turn) {
    return share <= turn ? share : 2 * turn - share;
  }

  private static double slope(double[] of, double[] value) {
    double meanOf = mean(of);
    double meanValue = mean(value);
    double products = 0;
    double squares = 0;
    for (int i = 0; i < of.length; i++) {
      products += (of[i] - meanOf) * (value[i] - meanValue);
      squares += (of[i] - meanOf) * (of[i] - meanOf);
    }
    return squares > 0 ? products / squares : 0;
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value / values.length;
    }
    return sum;
  }

  boolean turns() {
    return turn < 1;
  }

  /** Length of the whole way. */
  double way() {
    return Math.hypot(across, down);
  }

  /** Angle between its first direction and a heading, in degrees, 0 to 180. */
  double degreesFrom(Heading heading) {
    double cosine = (across * heading.across() + down * heading.down()) / Math.max(way(), 1e-12);
    return Math.toDegrees(Math.acos(Math.max(-1, Math.min(1, cosine))));
  }
}
