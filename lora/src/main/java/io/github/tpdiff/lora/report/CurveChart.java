package io.github.tpdiff.lora.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Curves over the steps of a training, as a picture that is part of a page: SVG takes the page's
 * colours, in light and dark, and needs no fonts where it is made.
 */
public final class CurveChart {
  private static final int WIDTH = 640;
  private static final int HEIGHT = 250;
  private static final int LEFT = 58;
  private static final int RIGHT = 8;
  private static final int TOP = 8;
  private static final int BOTTOM = 24;
  private static final int TICKS = 5;

  /** Of faint values, the share at either end that may lie outside the picture. */
  private static final double OUTLIERS = 0.02;

  private final String title;
  private final boolean isOfPowers;
  private final List<Line> lines = new ArrayList<>();

  /** A point of a curve. */
  public record Point(double x, double y) {}

  /** How a curve is drawn. */
  public enum Manner {
    /** A line, which has a place in the key. */
    PLAIN,
    /** A line in the background, whose outliers may be cut off. */
    FAINT,
    /** Dots on a line, which has a place in the key. */
    DOTTED
  }

  /**
   * A curve.
   *
   * @param label in the key
   * @param colour its number; those of one number have the same colour
   */
  private record Line(String label, Manner manner, int colour, List<Point> points) {
    String style() {
      return "c" + colour % HtmlPage.COLOURS;
    }
  }

  /** The places of values in the picture. */
  private record Scale(double leastX, double mostX, double leastY, double mostY) {
    double left(double x) {
      return LEFT + (x - leastX) / (mostX - leastX) * (WIDTH - LEFT - RIGHT);
    }

    double top(double y) {
      return HEIGHT - BOTTOM - (y - leastY) / (mostY - leastY) * (HEIGHT - TOP - BOTTOM);
    }
  }

  public CurveChart(String title) {
    this(title, false);
  }

  private CurveChart(String title, boolean isOfPowers) {
    this.title = title;
    this.isOfPowers = isOfPowers;
  }

  /** A picture of curves over exponents of 2, which says the powers. */
  public static CurveChart overPowersOfTwo(String title) {
    return new CurveChart(title, true);
  }

  /** Adds a curve; one without points is left out. */
  public CurveChart add(String label, Manner manner, int colour, List<Point> points) {
    if (!points.isEmpty()) {
      lines.add(new Line(label, manner, colour, List.copyOf(points)));
    }
    return this;
  }

  /** The picture with its title and key, as HTML; empty without a curve. */
  public String html() {
    if (lines.isEmpty()) {
      return "";
    }
    Scale scale = scale();
    var svg = new StringBuilder();
    svg.append("<figure class=\"chart\"><b>")
        .append(HtmlPage.escaped(title))
        .append("</b><svg viewBox=\"0 0 ")
        .append(WIDTH + " " + HEIGHT)
        .append("\" role=\"img\" aria-label=\"")
        .append(HtmlPage.escaped(title))
        .append("\">");
    axes(scale, svg);
    svg.append(
        "<svg x=\"0\" y=\"%d\" width=\"%d\" height=\"%d\" viewBox=\"0 %d %d %d\">"
            .formatted(TOP, WIDTH, HEIGHT - TOP - BOTTOM, TOP, WIDTH, HEIGHT - TOP - BOTTOM));
    lines.stream().filter(line -> line.manner() == Manner.FAINT).forEach(l -> draw(l, scale, svg));
    lines.stream().filter(line -> line.manner() != Manner.FAINT).forEach(l -> draw(l, scale, svg));
    svg.append("</svg></svg><figcaption>");
    lines.stream().filter(line -> line.manner() != Manner.FAINT).forEach(line -> key(line, svg));
    return svg.append("</figcaption></figure>").toString();
  }

  private Scale scale() {
    double[] x = lines.stream().flatMap(l -> l.points().stream()).mapToDouble(Point::x).toArray();
    double leastX = Arrays.stream(x).min().orElse(0);
    double mostX = Math.max(Arrays.stream(x).max().orElse(1), leastX + 1);
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (Line line : lines) {
      double[] y = line.points().stream().mapToDouble(Point::y).sorted().toArray();
      int cut = line.manner() == Manner.FAINT ? (int) (OUTLIERS * y.length) : 0;
      least = Math.min(least, y[cut]);
      most = Math.max(most, y[y.length - 1 - cut]);
    }
    double margin = most > least ? 0.04 * (most - least) : Math.max(0.1 * Math.abs(most), 1e-12);
    return new Scale(leastX, mostX, least - margin, most + margin);
  }

  private void axes(Scale scale, StringBuilder svg) {
    for (double y : ticks(scale.leastY(), scale.mostY())) {
      double top = scale.top(y);
      svg.append("<path class=\"grid\" d=\"M%d %s H%d\"/>".formatted(LEFT, at(top), WIDTH - RIGHT));
      svg.append(
          "<text x=\"%d\" y=\"%s\" text-anchor=\"end\">%s</text>"
              .formatted(LEFT - 6, at(top + 4), number(y)));
    }
    for (double x : ticks(scale.leastX(), scale.mostX())) {
      svg.append(
          "<text x=\"%s\" y=\"%d\" text-anchor=\"middle\">%s</text>"
              .formatted(at(scale.left(x)), HEIGHT - 6, along(x)));
    }
  }

  private String along(double x) {
    return number(
        isOfPowers ? new BigDecimal(Math.pow(2, x)).round(new MathContext(3)).doubleValue() : x);
  }

  /** Round numbers: 1, 2 or 5 times a power of ten apart. */
  static List<Double> ticks(double least, double most) {
    double rough = (most - least) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double mantissa = rough / power;
    double apart = power * (mantissa < 1.5 ? 1 : mantissa < 3.5 ? 2 : mantissa < 7.5 ? 5 : 10);
    var ticks = new ArrayList<Double>();
    for (long i = (long) Math.ceil(least / apart); i * apart <= most; i++) {
      ticks.add(i * apart);
    }
    return ticks;
  }

  private void draw(Line line, Scale scale, StringBuilder svg) {
    svg.append("<polyline class=\"")
        .append(line.style())
        .append(line.manner() == Manner.FAINT ? " faint" : "")
        .append("\" points=\"");
    line.points()
        .forEach(
            p ->
                svg.append(at(scale.left(p.x())))
                    .append(',')
                    .append(at(scale.top(p.y())))
                    .append(' '));
    svg.append("\"><title>").append(HtmlPage.escaped(line.label())).append("</title></polyline>");
    if (line.manner() == Manner.DOTTED) {
      for (Point p : line.points()) {
        svg.append(
            "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"2.5\"><title>%s: %s at %s</title></circle>"
                .formatted(
                    line.style(),
                    at(scale.left(p.x())),
                    at(scale.top(p.y())),
                    HtmlPage.escaped(line.label()),
                    number(p.y()),
                    along(p.x())));
      }
    }
  }

  private static void key(Line line, StringBuilder svg) {
    double last = line.points().get(line.points().size() - 1).y();
    svg.append(
        "<span class=\"key\"><svg viewBox=\"0 0 10 10\"><circle class=\"%s\" cx=\"5\" cy=\"5\" r=\"4\"/></svg>%s %s</span>"
            .formatted(line.style(), HtmlPage.escaped(line.label()), number(last)));
  }

  /** A place in the picture, to a tenth. */
  private static String at(double place) {
    return Double.toString(Math.round(10 * place) / 10.0);
  }

  /** Four digits, as short as they are. */
  static String number(double value) {
    if (value == 0) {
      return "0";
    }
    double size = Math.abs(value);
    if (size >= 1e6 || size < 1e-2) {
      return String.format(Locale.ROOT, "%.2e", value).replaceFirst("\\.?0*e([-+])0?", "e$1");
    }
    String plain = String.format(Locale.ROOT, size >= 100 ? "%.1f" : "%.4f", value);
    return plain.replaceFirst("\\.?0+$", "");
  }
}
