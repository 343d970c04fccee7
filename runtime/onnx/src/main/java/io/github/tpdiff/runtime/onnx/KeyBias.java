package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Writes a bias that all queries and heads share, such as that of padding, as one more element of
 * every key, which every query meets with a 1: scale · (q kᵀ + 1 · bias / scale).
 *
 * <p>ONNX Runtime's attention does without a matrix of queries by keys only where it is given no
 * bias.
 */
final class KeyBias {
  /** Kernels for GPUs ask for heads whose size is a multiple of this. */
  private static final int ALIGNMENT = 8;

  private final SegmentCode code;
  private final int heads;
  private final int size;
  private final int more;

  private KeyBias(int heads, int size, SegmentCode code) {
    this.code = code;
    this.heads = heads;
    this.size = size;
    this.more = ALIGNMENT - size % ALIGNMENT;
  }

  /** Whether all heads and queries share a bias of this shape. */
  static boolean has(Shape bias) {
    return bias.dim(1).is(1) && bias.dim(2).is(1);
  }

  /** Queries and keys, wider by the bias, and values of an attention with one. */
  static List<String> fold(Value attention, List<String> inputs, SegmentCode code) {
    var op = (Op.Attention) attention.op();
    Shape queries = Rules.shape(attention, 0);
    Shape bias = Rules.shape(attention, 3);
    int size = Math.toIntExact(queries.dim(2).value() / op.heads());
    var fold = new KeyBias(op.heads(), size, code);
    Shape perKey = Shape.of(bias.dim(0), bias.dim(3), 1, 1);
    String element = code.reshape(inputs.get(3), bias, perKey);
    String unscaled =
        code.nodes().add("Mul", List.of(element, code.nodes().scalar(1 / op.scale())));
    return List.of(
        fold.widened(inputs.get(0), queries, fold.unit(), Shape.of(fold.more)),
        fold.widened(
            inputs.get(1),
            Rules.shape(attention, 1),
            fold.filled(unscaled),
            perKey.with(3, Dim.of(fold.more))),
        inputs.get(2));
  }

  /** 1, 0, 0, …. */
  private String unit() {
    var values = new ArrayList<>(Collections.nCopies(more, 0f));
    values.set(0, 1f);
    return code.nodes().floats(values, List.of((long) more));
  }

  /** [batch, keys, 1, 1] and zeros behind. */
  private String filled(String element) {
    var pads = new ArrayList<>(Collections.nCopies(7, Dim.of(0)));
    pads.add(Dim.of(more - 1L));
    return code.nodes().add("Pad", List.of(element, code.vector(pads)));
  }

  /** x [batch, tokens, heads · size] with {@code extra} behind every head. */
  private String widened(String x, Shape shape, String extra, Shape extraShape) {
    Dim batch = shape.dim(0);
    Dim tokens = shape.dim(1);
    String split = code.reshape(x, shape, Shape.of(batch, tokens, heads, size));
    String added = code.expand(extra, extraShape, Shape.of(batch, tokens, heads, more));
    String joined =
        code.nodes().add("Concat", List.of(split, added), Attributes.integer("axis", 3));
    int wide = size + more;
    return code.reshape(
        joined, Shape.of(batch, tokens, heads, wide), Shape.of(batch, tokens, (long) heads * wide));
  }
}
