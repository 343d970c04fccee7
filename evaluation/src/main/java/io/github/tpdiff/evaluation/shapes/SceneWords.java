package io.github.tpdiff.evaluation.shapes;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a clip's caption says of it, and so what a clip made from that caption has to show.
 *
 * @param bounces whether the shape turns back on its way
 */
public record SceneWords(
    Size size,
    ShapeColour colour,
    ShapeTexture texture,
    ShapeKind kind,
    Pace pace,
    Heading heading,
    boolean bounces,
    Ground ground,
    Ground.Texture groundTexture) {

  /** How large the shape is. */
  public enum Size {
    SMALL,
    LARGE
  }

  /** How far it goes in the time of a clip. */
  public enum Pace {
    SLOWLY,
    QUICKLY
  }

  private static final String BOUNCES = " and bounces back";

  private static final Pattern CAPTION =
      Pattern.compile(
          "a (%s) (%s) (?:(%s) )?(%s) moves (%s) (%s)(%s)? over a (%s) (?:(%s) )?background"
              .formatted(
                  words(Size.values()),
                  words(ShapeColour.values()),
                  words(ShapeTexture.values()),
                  words(ShapeKind.values()),
                  words(Pace.values()),
                  Arrays.stream(Heading.values())
                      .map(Heading::words)
                      .collect(Collectors.joining("|")),
                  BOUNCES,
                  words(Ground.values()),
                  words(Ground.Texture.values())));

  /**
   * The caption, such as {@code a small red striped circle moves slowly left to right and bounces
   * back over a grey background}; that something is plain is not said.
   */
  public String caption() {
    return "a %s %s %s%s moves %s %s%s over a %s %sbackground"
        .formatted(
            word(size),
            word(colour),
            texture == ShapeTexture.PLAIN ? "" : word(texture) + " ",
            word(kind),
            word(pace),
            heading.words(),
            bounces ? BOUNCES : "",
            word(ground),
            groundTexture == Ground.Texture.PLAIN ? "" : word(groundTexture) + " ");
  }

  /** What a caption says; empty if it is none of {@link #caption}. */
  public static Optional<SceneWords> find(String caption) {
    Matcher found = CAPTION.matcher(caption.strip());
    if (!found.matches()) {
      return Optional.empty();
    }
    return Optional.of(
        new SceneWords(
            Size.valueOf(constant(found.group(1))),
            ShapeColour.valueOf(constant(found.group(2))),
            Optional.ofNullable(found.group(3))
                .map(word -> ShapeTexture.valueOf(constant(word)))
                .orElse(ShapeTexture.PLAIN),
            ShapeKind.valueOf(constant(found.group(4))),
            Pace.valueOf(constant(found.group(5))),
            Arrays.stream(Heading.values())
                .filter(heading -> heading.words().equals(found.group(6)))
                .findFirst()
                .orElseThrow(),
            found.group(7) != null,
            Ground.valueOf(constant(found.group(8))),
            Optional.ofNullable(found.group(9))
                .map(word -> Ground.Texture.valueOf(constant(word)))
                .orElse(Ground.Texture.PLAIN)));
  }

  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String constant(String word) {
    return word.toUpperCase(Locale.ROOT);
  }

  private static String words(Enum<?>[] constants) {
    return Arrays.stream(constants).map(SceneWords::word).collect(Collectors.joining("|"));
  }
}
