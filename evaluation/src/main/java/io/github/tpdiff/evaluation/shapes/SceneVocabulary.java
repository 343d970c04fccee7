package io.github.tpdiff.evaluation.shapes;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The words that scenes are made of: a domain, such as plain shapes that move straight on. A list
 * that is empty or left out has all there are.
 *
 * @param bounces whether a shape turns back: true, false or both
 */
public record SceneVocabulary(
    List<SceneWords.Size> size,
    List<ShapeColour> colour,
    List<ShapeTexture> texture,
    List<ShapeKind> kind,
    List<SceneWords.Pace> pace,
    List<Heading> heading,
    List<Boolean> bounces,
    List<Ground> ground,
    @JsonProperty("ground_texture") List<Ground.Texture> groundTexture) {
  public SceneVocabulary {
    size = orAll(size, SceneWords.Size.values());
    colour = orAll(colour, ShapeColour.values());
    texture = orAll(texture, ShapeTexture.values());
    kind = orAll(kind, ShapeKind.values());
    pace = orAll(pace, SceneWords.Pace.values());
    heading = orAll(heading, Heading.values());
    bounces = orAll(bounces, new Boolean[] {false, true});
    ground = orAll(ground, Ground.values());
    groundTexture = orAll(groundTexture, Ground.Texture.values());
  }

  /** All words there are. */
  public static SceneVocabulary all() {
    return new SceneVocabulary(
        List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
        List.of());
  }

  /** In the order of all, once each: the same words give the same scenes however they are said. */
  private static <E> List<E> orAll(@Nullable List<E> given, E[] all) {
    return given == null || given.isEmpty()
        ? List.of(all)
        : Arrays.stream(all).filter(given::contains).toList();
  }
}
