package io.github.tpdiff.runtime.graph;

import io.github.tpdiff.runtime.graph.Op.BinaryKind;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A tensor of a graph: an operation on earlier values, with its inferred shape and element type.
 * Immutable; building one checks that the operation's inputs fit.
 *
 * <p>Every method that returns a value adds one node (or a few, where its contract says what they
 * compute together). All throw {@link GraphException} if shapes or types do not fit.
 */
public final class Value {
  private final Op op;
  private final List<Value> inputs;
  private final Shape shape;
  private final ElementType type;

  Value(Op op, List<Value> inputs, Shape shape, ElementType type) {
    this.op = op;
    this.inputs = List.copyOf(inputs);
    this.shape = shape;
    this.type = type;
  }

  private static Value f32(Op op, Shape shape, Value... inputs) {
    return new Value(op, List.of(inputs), shape, ElementType.F32);
  }

  public Op op() {
    return op;
  }

  /** Whether it is given instead of computed: an input, a weight, a constant. */
  public boolean isSource() {
    return op instanceof Op.Input
        || op instanceof Op.Weight
        || op instanceof Op.FloatConstant
        || op instanceof Op.LongConstant;
  }

  public List<Value> inputs() {
    return inputs;
  }

  public Shape shape() {
    return shape;
  }

  public ElementType type() {
    return type;
  }

  public Dim dim(int axis) {
    return shape.dim(axis);
  }

  // Sources

  public static Value input(String name, Object... extents) {
    return f32(new Op.Input(name), Shape.of(extents));
  }

  public static Value indexInput(String name, Object... extents) {
    return new Value(new Op.Input(name), List.of(), Shape.of(extents), ElementType.I64);
  }

  /** A checkpoint tensor; its shape must be fixed. */
  public static Value weight(String name, long... extents) {
    return f32(new Op.Weight(name), new Shape(LongStream.of(extents).mapToObj(Dim::of).toList()));
  }

  public static Value constant(float[] values, long... extents) {
    var list = new ArrayList<Float>(values.length);
    for (float value : values) {
      list.add(value);
    }
    var shape = new Shape(LongStream.of(extents).mapToObj(Dim::of).toList());
    requireCount(shape, values.length);
    return f32(new Op.FloatConstant(list), shape);
  }

  public static Value constant(double scalar) {
    return constant(new float[] {(float) scalar});
  }

  public static Value indices(long[] values, long... extents) {
    var shape = new Shape(LongStream.of(extents).mapToObj(Dim::of).toList());
    requireCount(shape, values.length);
    var op = new Op.LongConstant(LongStream.of(values).boxed().toList());
    return new Value(op, List.of(), shape, ElementType.I64);
  }

  /** 0, 1, … count − 1, I64 [count]. */
  public static Value arange(Dim count) {
    return new Value(new Op.Arange(count), List.of(), new Shape(List.of(count)), ElementType.I64);
  }

  private static void requireCount(Shape shape, long count) {
    if (shape.elementCount().value() != count) {
      throw new GraphException("constant " + shape + ": found " + count + " values");
    }
  }

  // Contractions

  /** this [..., in] · weightᵀ, weight [out, in]. */
  public Value linear(Value weight) {
    return f32(new Op.Linear(), linearShape(weight), this, weight);
  }

  /** this [..., in] · weightᵀ + bias, weight [out, in], bias [out]. */
  public Value linear(Value weight, Value bias) {
    Shape result = linearShape(weight);
    require(bias.shape.equals(Shape.of(weight.dim(0))), "linear bias", weight.dim(0), bias.shape);
    return f32(new Op.Linear(), result, this, weight, bias);
  }

  private Shape linearShape(Value weight) {
    requireFloat("linear");
    require(weight.shape.rank() == 2, "linear weight", "rank 2", weight.shape);
    require(dim(-1).equals(weight.dim(1)), "linear input", weight.dim(1), shape);
    return shape.with(-1, weight.dim(0));
  }

  /** Convolution of [B, C, s...] with weight [O, C, k...] and no bias; see {@link Op.Conv}. */
  public Value conv(Op.Conv attributes, Value weight) {
    return f32(attributes, convShape(attributes, weight), this, weight);
  }

  /** Convolution of [B, C, s...] with weight [O, C, k...], bias [O]; see {@link Op.Conv}. */
  public Value conv(Op.Conv attributes, Value weight, Value bias) {
    Shape result = convShape(attributes, weight);
    require(bias.shape.equals(Shape.of(weight.dim(0))), "conv bias", weight.dim(0), bias.shape);
    return f32(attributes, result, this, weight, bias);
  }

  private Shape convShape(Op.Conv conv, Value weight) {
    requireFloat("conv");
    int spatial = conv.strides().size();
    require(shape.rank() == spatial + 2, "conv input", "rank " + (spatial + 2), shape);
    require(weight.shape.rank() == spatial + 2, "conv weight", "rank", weight.shape);
    require(dim(1).equals(weight.dim(1)), "conv input channels", weight.dim(1), shape);
    var dims = new ArrayList<Dim>(List.of(dim(0), weight.dim(0)));
    for (int i = 0; i < spatial; i++) {
      long extra = conv.padBefore().get(i) + conv.padAfter().get(i) - weight.dim(2 + i).value();
      dims.add(dim(2 + i).plus(extra).dividedBy(conv.strides().get(i)).plus(1));
    }
    return new Shape(dims);
  }

  /** Attention with this as queries; see {@link Op.Attention}. */
  public Value attention(Op.Attention attributes, Value keys, Value values) {
    return f32(attributes, attentionShape(attributes, keys, values), this, keys, values);
  }

  /** Attention with an additive bias that broadcasts to [B, h, Nq, Nk]. */
  public Value attention(Op.Attention attributes, Value keys, Value values, Value bias) {
    Shape result = attentionShape(attributes, keys, values);
    require(bias.shape.rank() == 4, "attention bias", "rank 4", bias.shape);
    require(
        Shape.broadcast(bias.shape, Shape.of(dim(0), attributes.heads(), dim(1), keys.dim(1)))
            .equals(Shape.of(dim(0), attributes.heads(), dim(1), keys.dim(1))),
        "attention bias",
        "[B, h, Nq, Nk]",
        bias.shape);
    return f32(attributes, result, this, keys, values, bias);
  }

  private Shape attentionShape(Op.Attention attributes, Value keys, Value values) {
    requireFloat("attention");
    require(shape.rank() == 3, "attention queries", "rank 3", shape);
    require(keys.shape.equals(Shape.of(dim(0), keys.dim(1), dim(2))), "keys", shape, keys.shape);
    require(
        values.shape.equals(Shape.of(dim(0), keys.dim(1), values.dim(2))),
        "attention values",
        keys.shape,
        values.shape);
    require(dim(2).value() % attributes.heads() == 0, "attention width", attributes.heads(), shape);
    return Shape.of(dim(0), dim(1), values.dim(2));
  }

  /** Interleaved rotary embedding of [B, N, h·d] with cos, sin [N, d/2]; see {@link Op.Rotary}. */
  public Value rotary(int heads, Value cos, Value sin) {
    requireFloat("rotary");
    Shape table = Shape.of(dim(1), dim(2).value() / heads / 2);
    require(cos.shape.equals(table), "rotary cos", table, cos.shape);
    require(sin.shape.equals(table), "rotary sin", table, sin.shape);
    return f32(new Op.Rotary(heads), shape, this, cos, sin);
  }

  // Normalisation

  public Value layerNorm(double eps) {
    requireFloat("layerNorm");
    return f32(new Op.LayerNorm(eps), shape, this);
  }

  public Value layerNorm(double eps, Value weight, Value bias) {
    requireFloat("layerNorm");
    require(weight.shape.equals(Shape.of(dim(-1))), "layerNorm weight", dim(-1), weight.shape);
    require(bias.shape.equals(Shape.of(dim(-1))), "layerNorm bias", dim(-1), bias.shape);
    return f32(new Op.LayerNorm(eps), shape, this, weight, bias);
  }

  public Value rmsNorm(double eps, Value weight) {
    requireFloat("rmsNorm");
    require(weight.shape.equals(Shape.of(dim(-1))), "rmsNorm weight", dim(-1), weight.shape);
    return f32(new Op.RmsNorm(eps), shape, this, weight);
  }

  /** Norm of [B, C, s...] over each group's channels and positions; see {@link Op.GroupNorm}. */
  public Value groupNorm(Op.GroupNorm attributes, Value weight, Value bias) {
    requireFloat("groupNorm");
    require(shape.rank() >= 2, "groupNorm input", "rank 2 or more", shape);
    require(
        attributes.groups() >= 1 && dim(1).value() % attributes.groups() == 0,
        "groupNorm channels",
        "a multiple of " + attributes.groups(),
        shape);
    require(weight.shape.equals(Shape.of(dim(1))), "groupNorm weight", dim(1), weight.shape);
    require(bias.shape.equals(Shape.of(dim(1))), "groupNorm bias", dim(1), bias.shape);
    return f32(attributes, shape, this, weight, bias);
  }

  public Value l2Normalize(int axis) {
    requireFloat("l2Normalize");
    return f32(new Op.L2Normalize(shape.axis(axis)), shape, this);
  }

  /** The Euclidean norm along {@code axis}, which stays with extent 1. */
  public Value l2Norm(int axis) {
    requireFloat("l2Norm");
    int at = shape.axis(axis);
    return f32(new Op.L2Norm(at), shape.with(at, Dim.of(1)), this);
  }

  /** The same values, through which no gradient passes. */
  public Value detach() {
    requireFloat("detach");
    return f32(new Op.Detach(), shape, this);
  }

  /**
   * With some elements dropped; see {@link Op.Dropout}.
   *
   * @param seed I64 [1]
   * @param layer I64 [1], which of a program's droppings this is
   */
  public Value dropout(double share, Value seed, Value layer) {
    requireFloat("dropout");
    require(shape.rank() >= 1, "dropout input", "rank 1 or more", shape);
    for (Value bits : List.of(seed, layer)) {
      require(
          bits.type == ElementType.I64 && bits.shape.equals(Shape.of(1)),
          "dropout seed and layer",
          "I64 [1]",
          bits);
    }
    return f32(new Op.Dropout(share), shape, this, seed, layer);
  }

  // Elementwise

  private Value binary(BinaryKind kind, Value other) {
    requireFloat(kind.name());
    other.requireFloat(kind.name());
    return f32(new Op.Binary(kind), Shape.broadcast(shape, other.shape), this, other);
  }

  public Value plus(Value other) {
    return binary(BinaryKind.ADD, other);
  }

  public Value plus(double other) {
    return plus(constant(other));
  }

  public Value minus(Value other) {
    return binary(BinaryKind.SUB, other);
  }

  public Value times(Value other) {
    return binary(BinaryKind.MUL, other);
  }

  /** A factor of 1 is none. */
  public Value times(double other) {
    return other == 1 ? this : times(constant(other));
  }

  public Value dividedBy(Value other) {
    return binary(BinaryKind.DIV, other);
  }

  /** this · (1 + scale) + shift: the modulation of adaptive layer norm. */
  public Value scaleShift(Value scale, Value shift) {
    return times(scale.plus(1)).plus(shift);
  }

  public Value apply(UnaryKind kind) {
    requireFloat(kind.name());
    return f32(new Op.Unary(kind), shape, this);
  }

  public Value silu() {
    return apply(UnaryKind.SILU);
  }

  public Value geluTanh() {
    return apply(UnaryKind.GELU_TANH);
  }

  public Value geluErf() {
    return apply(UnaryKind.GELU_ERF);
  }

  /** x·sigmoid(1.702·x), the GELU of CLIP. */
  public Value quickGelu() {
    return apply(UnaryKind.QUICK_GELU);
  }

  public Value clamp(double min, double max) {
    requireFloat("clamp");
    return f32(new Op.Clamp(min, max), shape, this);
  }

  public Value cast(ElementType target) {
    return target == type ? this : new Value(new Op.Cast(target), List.of(this), shape, target);
  }

  // Layout

  /** The same elements as {@code extents}; element counts must be equal as polynomials. */
  public Value reshape(Object... extents) {
    Shape target = Shape.of(extents);
    require(
        target.elementCount().equals(shape.elementCount()),
        "reshape",
        shape.elementCount(),
        target);
    return new Value(new Op.Reshape(), List.of(this), target, type);
  }

  public Value transpose(int... permutation) {
    require(
        permutation.length == shape.rank()
            && LongStream.range(0, permutation.length)
                .allMatch(i -> Op.ints(permutation).contains((int) i)),
        "transpose",
        "a permutation of the axes",
        shape);
    var dims = new ArrayList<Dim>();
    for (int axis : permutation) {
      dims.add(dim(axis));
    }
    return new Value(new Op.Transpose(Op.ints(permutation)), List.of(this), new Shape(dims), type);
  }

  public static Value concat(int axis, Value... parts) {
    Shape first = parts[0].shape;
    int at = first.axis(axis);
    Dim total = Dim.of(0);
    for (Value part : parts) {
      require(part.type == parts[0].type, "concat type", parts[0].type, part.shape);
      require(
          part.shape.rank() == first.rank() && part.shape.with(at, first.dim(at)).equals(first),
          "concat part",
          first,
          part.shape);
      total = total.plus(part.dim(at));
    }
    return new Value(new Op.Concat(at), List.of(parts), first.with(at, total), parts[0].type);
  }

  /** Elements from … to − 1 of {@code axis}. */
  public Value slice(int axis, Dim from, Dim to) {
    int at = shape.axis(axis);
    return new Value(
        new Op.Slice(at, from, to), List.of(this), shape.with(at, to.minus(from)), type);
  }

  public Value slice(int axis, long from, long to) {
    require(from >= 0 && from <= to, "slice", "0 <= from <= to", shape);
    if (dim(axis).isFixed()) {
      require(to <= dim(axis).value(), "slice end " + to, "at most " + dim(axis), shape);
    }
    return slice(axis, Dim.of(from), Dim.of(to));
  }

  /** {@code parts} equal pieces of a fixed axis. */
  public List<Value> split(int axis, int parts) {
    long size = dim(axis).value() / parts;
    require(size * parts == dim(axis).value(), "split", "a multiple of " + parts, shape);
    var pieces = new ArrayList<Value>();
    for (int i = 0; i < parts; i++) {
      pieces.add(slice(axis, i * size, (i + 1) * size));
    }
    return Collections.unmodifiableList(pieces);
  }

  /** Zeros before and after; one entry per axis. */
  public Value pad(Op.Pad attributes) {
    requireFloat("pad");
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < shape.rank(); i++) {
      dims.add(dim(i).plus(attributes.before().get(i) + attributes.after().get(i)));
    }
    return f32(attributes, new Shape(dims), this);
  }

  /** Nearest upsampling by one factor per axis. */
  public Value repeat(int... factors) {
    requireFloat("repeat");
    require(factors.length == shape.rank(), "repeat", "one factor per axis", shape);
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < shape.rank(); i++) {
      dims.add(dim(i).times(factors[i]));
    }
    return f32(new Op.Repeat(Op.ints(factors)), new Shape(dims), this);
  }

  public Value expand(Object... extents) {
    Shape target = Shape.of(extents);
    require(Shape.broadcast(shape, target).equals(target), "expand", target, shape);
    return target.equals(shape) ? this : new Value(new Op.Expand(), List.of(this), target, type);
  }

  /** Rows of this table [n, r...] at {@code ids} [i...]. */
  public Value gather(Value ids) {
    require(ids.type == ElementType.I64, "gather ids", ElementType.I64, ids.shape);
    var dims = new ArrayList<>(ids.shape.dims());
    dims.addAll(shape.dims().subList(1, shape.rank()));
    return new Value(new Op.Gather(), List.of(this, ids), new Shape(dims), type);
  }

  /** Index of the first of the largest elements of the last axis, I64 without that axis. */
  public Value argMax() {
    requireFloat("argMax");
    require(shape.rank() >= 1, "argMax input", "rank 1 or more", shape);
    Shape result = new Shape(shape.dims().subList(0, shape.rank() - 1));
    return new Value(new Op.ArgMax(), List.of(this), result, ElementType.I64);
  }

  private void requireFloat(String operation) {
    require(type == ElementType.F32, operation, ElementType.F32, shape);
  }

  private static void require(boolean holds, String what, Object expected, Object found) {
    if (!holds) {
      throw new GraphException(what + ": expected " + expected + ", found " + found);
    }
  }

  @Override
  public String toString() {
    return op + " " + type + shape;
  }
}
