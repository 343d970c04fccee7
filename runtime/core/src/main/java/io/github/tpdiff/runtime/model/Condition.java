package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A named value that a network is conditioned on.
 *
 * @param name of the value
 * @param type of its elements
 * @param shape extents, each a number or a symbol: {@code batch}, the latents' {@code frames},
 *     {@code height}, {@code width}, or one of {@link ModelDescription#sizes()}; the batch comes
 *     first
 * @param follows how it follows the stage
 * @param optional whether it may be left out; zeros then stand in its place
 */
public record Condition(
    String name, ElementType type, List<String> shape, Follows follows, boolean optional) {

  /** How a condition follows the stage. */
  public enum Follows {
    /** It is the same in every stage: texts and pooled rows. */
    NOTHING,
    /**
     * It has the stage's frames, every r-th of the full rate, and the stage's rows and columns:
     * pictures' latents and masks.
     */
    FRAMES
  }

  /**
   * @throws IllegalArgumentException if the shape does not begin with the batch, or what follows
   *     the frames has none or several axes of them
   */
  public Condition {
    shape = List.copyOf(shape);
    checkArgument(
        !shape.isEmpty() && shape.get(0).equals("batch"),
        "condition %s: shape: expected batch first, found %s",
        name,
        shape);
    checkArgument(
        follows == Follows.NOTHING
            || (shape.indexOf("frames") > 0
                && shape.indexOf("frames") == shape.lastIndexOf("frames")),
        "condition %s: shape: expected one axis of frames, which it follows, found %s",
        name,
        shape);
  }

  /** The condition that an input of a network is; the network works only with it. */
  public static Condition of(String name, Value input, Follows follows) {
    return new Condition(
        name,
        input.type(),
        input.shape().dims().stream().map(Object::toString).toList(),
        follows,
        false);
  }

  /** The same, which may be left out. */
  public Condition asOptional() {
    return new Condition(name, type, shape, follows, true);
  }

  /**
   * Its extents.
   *
   * @param sizes of every symbol in the shape
   * @throws IllegalArgumentException if a symbol has no size
   */
  public long[] extents(Map<String, Long> sizes) {
    return shape.stream().mapToLong(extent -> extent(extent, sizes)).toArray();
  }

  private long extent(String text, Map<String, Long> sizes) {
    if (text.matches("\\d{1,9}")) {
      return Long.parseLong(text);
    }
    Long size = sizes.get(text);
    checkArgument(
        size != null,
        "condition %s: shape: '%s' has no size, only %s have",
        name,
        text,
        sizes.keySet());
    return size;
  }

  /** Zeros of its shape. */
  public Tensor absent(Map<String, Long> sizes) {
    return zeros(type, extents(sizes));
  }

  static Tensor zeros(ElementType type, long[] extents) {
    if (type == ElementType.F32) {
      return Tensor.zeros(extents);
    }
    int count = Math.toIntExact(Arrays.stream(extents).reduce(1, Math::multiplyExact));
    return Tensor.ofLongs(new long[count], extents);
  }

  /**
   * What a stage is told of a value of the full grid: every r-th frame, whatever becomes of frames
   * in the latents, and rows and columns dropped as theirs are.
   */
  Tensor at(StageGrid grid, Tensor full) {
    Tensor told = NetworkInputs.select(name, full, shape.indexOf("frames"), grid.frames());
    for (GridAxis axis : GridAxis.OF_SPACE) {
      int at = shape.indexOf(Words.of(axis));
      if (at > 0 && grid.strides().along(axis) > 1) {
        told =
            NetworkInputs.coarser(
                told, at, grid.strides().along(axis), grid.space().downsampling());
      }
    }
    return told;
  }
}
