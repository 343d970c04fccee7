package io.github.tpdiff.runtime.reference;

import static io.github.tpdiff.runtime.graph.Op.ints;
import static io.github.tpdiff.runtime.graph.Value.concat;
import static io.github.tpdiff.runtime.graph.Value.indexInput;
import static io.github.tpdiff.runtime.graph.Value.indices;
import static io.github.tpdiff.runtime.graph.Value.input;
import static io.github.tpdiff.runtime.graph.Value.weight;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** Operations that move elements, and indices. */
final class LayoutCases {
  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim TOKENS = Dim.symbol("tokens");
  private static final Dim FRAMES = Dim.symbol("frames");
  private static final Dim HEIGHT = Dim.symbol("height");
  private static final Dim WIDTH = Dim.symbol("width");

  private LayoutCases() {}

  static List<OperationCase> all() {
    var cases = new ArrayList<OperationCase>();
    cases.addAll(reshapes());
    cases.addAll(joinsAndCuts());
    cases.addAll(growths());
    cases.addAll(lookups());
    return cases;
  }

  private static Value video() {
    return input("x", BATCH, 4, FRAMES, HEIGHT, WIDTH);
  }

  private static Value sequence() {
    return input("x", BATCH, TOKENS, 6);
  }

  private static List<OperationCase> reshapes() {
    var folded = video().transpose(0, 2, 1, 3, 4);
    return List.of(
        new OperationCase("reshape, split the last axis", sequence().reshape(BATCH, TOKENS, 2, 3)),
        new OperationCase(
            "reshape, join axes", video().reshape(BATCH, 4, FRAMES.times(HEIGHT).times(WIDTH))),
        new OperationCase(
            "reshape, frames into the batch",
            folded.reshape(BATCH.times(FRAMES), 4, HEIGHT, WIDTH)),
        new OperationCase("reshape to rank 1", sequence().reshape(BATCH.times(TOKENS).times(6))),
        new OperationCase(
            "reshape of indices", indexInput("ids", BATCH, TOKENS).reshape(TOKENS.times(BATCH), 1)),
        new OperationCase("reshape, quotients", patchesThereAndBack()),
        new OperationCase("transpose, rank 3", sequence().transpose(2, 0, 1)),
        new OperationCase("transpose, rank 5", video().transpose(4, 0, 2, 1, 3)),
        new OperationCase(
            "transpose of indices", indexInput("ids", BATCH, TOKENS).transpose(1, 0)));
  }

  /** Patches of 1 x 2 x 2 to tokens and tokens to pixels, as diffusion transformers do. */
  private static Value patchesThereAndBack() {
    var patches =
        video()
            .conv(
                new Op.Conv(ints(1, 2, 2), ints(0, 0, 0), ints(0, 0, 0)),
                weight("w", 8, 4, 1, 2, 2));
    Dim h = patches.dim(3);
    Dim w = patches.dim(4);
    return patches
        .reshape(BATCH, 8, FRAMES.times(h).times(w))
        .transpose(0, 2, 1)
        .reshape(BATCH, FRAMES, h, w, 1, 2, 2, 2)
        .transpose(0, 7, 1, 4, 2, 5, 3, 6)
        .reshape(BATCH, 2, FRAMES, h.times(2), w.times(2));
  }

  private static List<OperationCase> joinsAndCuts() {
    var x = sequence();
    var y = input("y", BATCH, "keys", 6);
    Dim half = TOKENS.dividedBy(2);
    return List.of(
        new OperationCase("concat, different lengths", concat(1, x, y)),
        new OperationCase("concat, three along the last axis", concat(-1, x, x.times(2), x)),
        new OperationCase(
            "concat of indices", concat(0, indexInput("a", TOKENS), indices(new long[] {7, 9}, 2))),
        new OperationCase("slice, fixed", x.slice(2, 1, 4)),
        new OperationCase("slice, negative axis, first", x.slice(-1, 0, 1)),
        new OperationCase("slice, symbolic ends", x.slice(1, half, TOKENS)),
        new OperationCase("slice, last two", x.slice(1, TOKENS.plus(-2), TOKENS)),
        new OperationCase("slice, all but the last", x.slice(1, Dim.of(0), TOKENS.plus(-1))),
        new OperationCase("slice, middle axis of rank 5", video().slice(2, Dim.of(1), FRAMES)),
        new OperationCase("slice of indices", indexInput("a", TOKENS).slice(0, 1, 3)),
        new OperationCase("split", concat(2, x.split(2, 3).get(2), x.split(2, 3).get(0))));
  }

  private static List<OperationCase> growths() {
    var image = input("x", BATCH, 3, HEIGHT, WIDTH);
    return List.of(
        new OperationCase(
            "pad, asymmetric", image.pad(new Op.Pad(ints(0, 0, 0, 2), ints(0, 0, 1, 1)))),
        new OperationCase(
            "pad, frames in front",
            video().pad(new Op.Pad(ints(0, 0, 2, 0, 0), ints(0, 0, 0, 0, 0)))),
        new OperationCase(
            "pad, every axis", sequence().pad(new Op.Pad(ints(1, 0, 2), ints(0, 3, 1)))),
        new OperationCase("repeat, rank 4", image.repeat(1, 1, 2, 2)),
        new OperationCase("repeat, rank 4, factors differ", image.repeat(1, 2, 1, 3)),
        new OperationCase("repeat, rank 5", video().repeat(1, 1, 1, 2, 2)),
        new OperationCase("repeat, rank 5, frames", video().repeat(1, 1, 2, 1, 1)),
        new OperationCase("repeat, rank 3", sequence().repeat(2, 3, 1)),
        new OperationCase("expand, new axes", expandTo(weight("w", 6))),
        new OperationCase("expand, axis of one", expandTo(input("y", BATCH, 1, 6))));
  }

  /** Expands to the shape of a sequence, whose values take no part. */
  private static Value expandTo(Value value) {
    return value.expand(BATCH, TOKENS, 6).plus(sequence().times(0));
  }

  private static List<OperationCase> lookups() {
    var ids = indexInput("ids", BATCH, TOKENS);
    var table = weight("table", 7, 3);
    return List.of(
        new OperationCase("gather rows", table.gather(ids)),
        new OperationCase("gather scalars", weight("table", 9).gather(ids)),
        new OperationCase(
            "gather blocks", weight("table", 7, 2, 3).gather(indexInput("i", TOKENS))),
        new OperationCase(
            "gather of indices", indices(new long[] {5, 4, 3, 2, 1, 0, 6}, 7).gather(ids)),
        new OperationCase(
            "gather by constant indices", sequenceRows().gather(indices(new long[] {2, 0, 2}, 3))),
        new OperationCase("index of the largest", input("x", BATCH, TOKENS).argMax()),
        new OperationCase("index of the largest of rank 3", sequence().argMax()),
        new OperationCase(
            "index of the largest, the first of equals",
            ids.cast(ElementType.F32).clamp(0, 2).argMax()),
        new OperationCase("arange", concat(0, Value.arange(TOKENS), indexInput("i", TOKENS))),
        new OperationCase(
            "arange, computed count",
            concat(
                0,
                Value.arange(TOKENS.times(2).plus(1)).cast(ElementType.F32),
                input("r", TOKENS))),
        new OperationCase(
            "arange, fixed count", Value.arange(Dim.of(3)).cast(ElementType.F32).plus(rows())));
  }

  private static Value sequenceRows() {
    return input("rows", TOKENS, 4);
  }

  private static Value rows() {
    return input("rows", TOKENS, 3);
  }
}
