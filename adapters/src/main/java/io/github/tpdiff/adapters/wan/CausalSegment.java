package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.CausalFrames;
import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/** The causal layers of Wan's autoencoder, in one segment. */
record CausalSegment(CausalFrames frames) {
  /** Frames before the present one that a kernel of three frames sees. */
  private static final int CONTEXT = 2;

  private static final List<Integer> UNIT = List.of(1, 1, 1);
  private static final List<Integer> NONE = List.of(0, 0, 0);

  /** 3×3×3, or {@code 3×1×1} where {@code side} is 1; no frame sees a later one. */
  Value causalConv(Value x, String name, long out, int side) {
    Value seen = frames.withContext(x, name, CONTEXT);
    int pad = side / 2;
    return CausalFrames.conv(
        seen,
        name,
        new Op.Conv(UNIT, List.of(0, pad, pad), List.of(0, pad, pad)),
        Value.weight(name + ".weight", out, x.dim(1).value(), 3, side, side));
  }

  /** Every second frame from the first of the chunk on, each from three frames. */
  Value halveFrames(Value x, String name) {
    long width = x.dim(1).value();
    if (frames.chunk() == Chunk.FIRST) {
      frames.keep(name, x); // the first frame of a video stays as it is
      return x;
    }
    return CausalFrames.conv(
        frames.withContext(x, name, 1),
        name,
        new Op.Conv(List.of(2, 1, 1), NONE, NONE),
        Value.weight(name + ".weight", width, width, 3, 1, 1));
  }

  /** Two frames for each, save for the first frame of a video. */
  Value doubleFrames(Value x, String name) {
    if (frames.chunk() == Chunk.FIRST) {
      // Later frames do not see the first one: their context starts with nothing.
      frames.keep(name, CausalFrames.zeros(x, CONTEXT));
      return x;
    }
    long width = x.dim(1).value();
    Value pairs = causalConv(x, name, 2 * width, 1);
    Dim count = x.dim(2);
    return pairs
        .reshape(x.dim(0), 2, width, count, x.dim(3), x.dim(4))
        .transpose(0, 2, 3, 1, 4, 5)
        .reshape(x.dim(0), width, count.times(2), x.dim(3), x.dim(4));
  }

  static Value pointwise(Value x, String name, long out) {
    return CausalFrames.conv(
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
    return CausalFrames.conv(x, name, form.attributes, weight);
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
}
