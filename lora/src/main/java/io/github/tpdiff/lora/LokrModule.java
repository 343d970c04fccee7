package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.KroneckerFactor;
import io.github.tpdiff.weights.lora.KroneckerPair;
import io.github.tpdiff.weights.lora.KroneckerSizes;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A LoKr of a linear layer: {@code y = W x + b} becomes {@code y + scale · (w1 ⊗ w2) x} (Yeh et al.
 * 2024, section 3.3), without the Kronecker product being made: x is a matrix [b, d] for w1 [a, b]
 * and w2 [c, d], and the change is {@code w1 x w2ᵀ}.
 *
 * @param name dotted module name in the checkpoint
 * @param w1 sizes of the first factor
 * @param w2 sizes of the second, larger factor
 * @param scale the factor on the product
 */
public record LokrModule(String name, Sizes w1, Sizes w2, double scale) implements WeightChange {
  /**
   * Sizes of a factor.
   *
   * @param rank of the product [rows, rank] · [rank, columns] that it is; 0 where it is in full
   */
  public record Sizes(int rows, int columns, int rank) {
    private static Sizes of(KroneckerFactor factor) {
      return new Sizes(factor.rows(), factor.columns(), factor.rank());
    }

    private long values() {
      return rank == 0 ? (long) rows * columns : (long) rank * (rows + columns);
    }
  }

  /**
   * A change of a layer, its factors as LyCORIS and PEFT choose them: w2 is a product where the
   * rank is less than half of its larger size; in full, nothing is scaled.
   *
   * @param factor the first sizes, see {@link KroneckerSizes#first}
   * @throws IllegalArgumentException if the layer is a convolution
   */
  static LokrModule of(Layer layer, int rank, double alpha, int factor) {
    requireLinear(layer);
    int a = KroneckerSizes.first(layer.out(), factor);
    int b = KroneckerSizes.first(layer.in(), factor);
    int c = layer.out() / a;
    int d = layer.in() / b;
    boolean full = 2L * rank >= Math.max(c, d);
    return new LokrModule(
        layer.name(),
        new Sizes(a, b, 0),
        new Sizes(c, d, full ? 0 : rank),
        full ? 1 : alpha / rank);
  }

  /**
   * The change of a layer that a file holds.
   *
   * @throws IllegalArgumentException if it is for a layer of other sizes, or a convolution
   */
  static LokrModule of(Layer layer, KroneckerPair pair, double strength) {
    requireLinear(layer);
    if (pair.out() != layer.out() || pair.in() != layer.in()) {
      throw new IllegalArgumentException(
          "LoKr module '%s': expected a product [%d, %d], found [%d, %d]; is it for another checkpoint?"
              .formatted(layer.name(), layer.out(), layer.in(), pair.out(), pair.in()));
    }
    return new LokrModule(
        layer.name(), Sizes.of(pair.w1()), Sizes.of(pair.w2()), pair.scale() * strength);
  }

  private static void requireLinear(Layer layer) {
    if (layer.y().op() instanceof Op.Conv) {
      throw new IllegalArgumentException(
          "lora.kind: lokr changes linear layers, '%s' is a convolution; leave it out by lora.exclude"
              .formatted(layer.name()));
    }
  }

  /** Name of w1 [a, b] where it is in full. */
  public String firstFactor() {
    return name + ".lokr_w1";
  }

  /** Name of w2 [c, d] where it is in full; otherwise its parts' names are this with _a and _b. */
  public String secondFactor() {
    return name + ".lokr_w2";
  }

  private static String left(String factor) {
    return factor + "_a";
  }

  private static String right(String factor) {
    return factor + "_b";
  }

  @Override
  public long values() {
    return w1.values() + w2.values();
  }

  @Override
  public Value rewrite(Layer layer) {
    if (layer.drops()) {
      throw new IllegalArgumentException(
          "lora.dropout: is for LoRA and DoRA, '%s' gains a LoKr; leave it out".formatted(name));
    }
    Value x = layer.x();
    Value rows = x.reshape(split(x, w1.columns, w2.columns));
    // By the parts with few columns first: what lies between is smallest then.
    Value inner =
        w2.rank == 0 ? rows : rows.linear(weight(right(secondFactor()), w2.rank, w2.columns));
    Value mixed = swapped(first(swapped(inner)));
    Value product =
        w2.rank == 0
            ? mixed.linear(weight(secondFactor(), w2.rows, w2.columns))
            : mixed.linear(weight(left(secondFactor()), w2.rows, w2.rank));
    Value change = product.reshape(layer.y().shape().dims().toArray());
    return layer.y().plus(change.times(scale));
  }

  private Value first(Value columns) {
    return w1.rank == 0
        ? columns.linear(weight(firstFactor(), w1.rows, w1.columns))
        : columns
            .linear(weight(right(firstFactor()), w1.rank, w1.columns))
            .linear(weight(left(firstFactor()), w1.rows, w1.rank));
  }

  private static Value weight(String name, long rows, long columns) {
    return Value.weight(name, rows, columns);
  }

  /** The last axis as two. */
  private static Object[] split(Value x, long first, long second) {
    var extents = new ArrayList<Object>(x.shape().dims());
    extents.set(extents.size() - 1, first);
    extents.add(second);
    return extents.toArray();
  }

  /** The last two axes exchanged. */
  private static Value swapped(Value x) {
    int rank = x.shape().rank();
    int[] order = new int[rank];
    for (int axis = 0; axis < rank; axis++) {
      order[axis] = axis;
    }
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    return x.transpose(order);
  }

  /**
   * {@inheritDoc}
   *
   * <p>As LyCORIS has them: kaiming (a = √5) but for w2, or its second part, which is zero.
   */
  @Override
  public Map<String, Parameter> freshParameters(TorchRandom random, TensorSource frozen) {
    var parameters = new LinkedHashMap<String, Parameter>();
    put(parameters, firstFactor(), w1, drawn(random, w1, false));
    put(parameters, secondFactor(), w2, drawn(random, w2, true));
    return parameters;
  }

  private static KroneckerFactor drawn(TorchRandom random, Sizes sizes, boolean zero) {
    int inner = sizes.rank == 0 ? sizes.columns : sizes.rank;
    int last = sizes.rank * sizes.columns;
    float[] left =
        zero && sizes.rank == 0
            ? new float[sizes.rows * inner]
            : random.kaimingUniform(Math.multiplyExact(sizes.rows, inner), inner);
    float[] right =
        zero || sizes.rank == 0 ? new float[last] : random.kaimingUniform(last, sizes.columns);
    return new KroneckerFactor(sizes.rows, sizes.columns, sizes.rank, left, right);
  }

  @Override
  public Map<String, Parameter> parametersOf(TensorChange change) {
    KroneckerPair pair = LayerKinds.require(change, KroneckerPair.class, name);
    if (!Sizes.of(pair.w1()).equals(w1) || !Sizes.of(pair.w2()).equals(w2)) {
      throw new IllegalArgumentException(
          "LoKr module '%s': expected factors %s and %s, found %s and %s"
              .formatted(name, w1, w2, Sizes.of(pair.w1()), Sizes.of(pair.w2())));
    }
    var parameters = new LinkedHashMap<String, Parameter>();
    put(parameters, firstFactor(), w1, pair.w1());
    put(parameters, secondFactor(), w2, pair.w2());
    return parameters;
  }

  private static void put(
      Map<String, Parameter> parameters, String name, Sizes sizes, KroneckerFactor factor) {
    long rows = sizes.rows;
    long columns = sizes.columns;
    long rank = sizes.rank;
    if (rank == 0) {
      parameters.put(name, new Parameter(List.of(rows, columns), factor.left().clone()));
    } else {
      parameters.put(left(name), new Parameter(List.of(rows, rank), factor.left().clone()));
      parameters.put(right(name), new Parameter(List.of(rank, columns), factor.right().clone()));
    }
  }

  @Override
  public TensorChange changeOf(Map<String, Parameter> parameters) {
    return TensorChange.of(
        KroneckerPair.ofScale(
            factor(parameters, firstFactor(), w1), factor(parameters, secondFactor(), w2), scale));
  }

  private static KroneckerFactor factor(
      Map<String, Parameter> parameters, String name, Sizes sizes) {
    boolean full = sizes.rank == 0;
    float[] left = Parameter.require(parameters, full ? name : left(name)).values().clone();
    float[] right =
        full ? new float[0] : Parameter.require(parameters, right(name)).values().clone();
    return new KroneckerFactor(sizes.rows, sizes.columns, sizes.rank, left, right);
  }
}
