package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One segment of the chunked autoencoder under construction: layers over [batch, C, frames, height,
 * width] with few frames, and the frames that each causal layer keeps for the chunk that follows.
 */
final class CausalSegment {
  /** Frames before the present one that a kernel of three frames sees. */
  private static final int CONTEXT = 2;

  private static final List<Integer> UNIT = List.of(1, 1, 1);
  private static final List<Integer> NONE = List.of(0, 0, 0);

  private final Chunk chunk;
  private final Map<String, Value> state = new LinkedHashMap<>();

  CausalSegment(Chunk chunk) {
    this.chunk = chunk;
  }

  Chunk chunk() {
    return chunk;
  }

  /** The segment's graph: {@code x}, or {@code output} if named otherwise, and the new state. */
  Graph graph(String name, String output, Value value) {
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put(output, value);
    outputs.putAll(state);
    return new Graph(name, outputs);
  }

  /** 3×3×3, or {@code 3×1×1} where {@code side} is 1; no frame sees a later one. */
  Value causalConv(Value x, String name, long out, int side) {
    Value seen = withContext(x, name, CONTEXT);
    int pad = side / 2;
    return conv(
        seen,
        name,
        new Op.Conv(UNIT, List.of(0, pad, pad), List.of(0, pad, pad)),
        Value.weight(name + ".weight", out, x.dim(1).value(), 3, side, side));
  }

  /** Every second frame from the first of the chunk on, each from three frames. */
  Value halveFrames(Value x, String name) {
    long width = x.dim(1).value();
    if (chunk == Chunk.FIRST) {
      keep(name, x); // the first frame of a video stays as it is
      return x;
    }
    return conv(
        withContext(x, name, 1),
        name,
        new Op.Conv(List.of(2, 1, 1), NONE, NONE),
        Value.weight(name + ".weight", width, width, 3, 1, 1));
  }

  /** Two frames for each, save for the first frame of a video. */
  Value doubleFrames(Value x, String name) {
    if (chunk == Chunk.FIRST) {
      // Later frames do not see the first one: their context starts with nothing.
      keep(name, zeros(x, CONTEXT));
      return x;
    }
    long width = x.dim(1).value();
    Value pairs = causalConv(x, name, 2 * width, 1);
    Dim frames = x.dim(2);
    return pairs
        .reshape(x.dim(0), 2, width, frames, x.dim(3), x.dim(4))
        .transpose(0, 2, 3, 1, 4, 5)
        .reshape(x.dim(0), width, frames.times(2), x.dim(3), x.dim(4));
  }

  static Value pointwise(Value x, String name, long out) {
    return conv(
        x,
        name,
        new Op.Conv(UNIT, NONE, NONE),
        Value.weight(name + ".weight", out, x.dim(1).value(), 1, 1, 1));
  }

  /** A 3×3 convolution of every frame. */
  static Value frameConv(Value x, String name, long out, FrameConv form) {
    Value weight =
        Value.weight(name + ".weight", out, x.dim(1).value(), 3, 3)
            .reshape(out, x.dim(1).value(), 1, 3, 3);
    return conv(x, name, form.attributes, weight);
  }

  /** How a 3×3 convolution walks over a frame. */
  record FrameConv(Op.Conv attributes) {
    /** Keeps the size. */
    static final FrameConv SAME =
        new FrameConv(new Op.Conv(UNIT, List.of(0, 1, 1), List.of(0, 1, 1)));

    /** Halves it, with a border of zeros on the right and at the bottom only. */
    static final FrameConv HALVING =
        new FrameConv(new Op.Conv(List.of(1, 2, 2), NONE, List.of(0, 1, 1)));
  }

  private static Value conv(Value x, String name, Op.Conv attributes, Value weight) {
    return x.conv(attributes, weight, Value.weight(name + ".bias", weight.dim(0).value()));
  }

  /** x with the last {@code count} frames before it, which are zeros before the first chunk. */
  private Value withContext(Value x, String name, int count) {
    Value before =
        chunk == Chunk.FIRST
            ? zeros(x, count)
            : Value.input(stateName(name), x.shape().with(2, Dim.of(count)).dims().toArray());
    Value seen = Value.concat(2, before, x);
    long frames = seen.dim(2).value();
    keep(name, seen.slice(2, frames - count, frames));
    return seen;
  }

  private static Value zeros(Value x, int frames) {
    return Value.constant(0).expand(x.shape().with(2, Dim.of(frames)).dims().toArray());
  }

  private void keep(String name, Value frames) {
    state.put(stateName(name) + ".next", frames);
  }

  private static String stateName(String name) {
    return name + ".cache";
  }
}
