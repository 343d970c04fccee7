package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.GradientPaths.Version;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Products;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Prices a training step for given input shapes, from the graph and what of it is trained: forward,
 * back through what gradients come by, and again what was not kept.
 *
 * <p>Activations are fp32. What the passes need on the way is estimated from what a forward pass of
 * the segment does.
 */
public final class TrainingCostModel {
  /** FLOPs of attention's backward pass for one of its forward pass: five products for two. */
  private static final double ATTENTION_BACK = 2.5;

  /** Bytes that the derivative of what memory bounds moves, for one that it moves itself. */
  private static final double ELEMENTWISE_BACK = 2;

  /** What a way back through a segment holds, in forward peaks: values, and gradients of them. */
  private static final long PEAKS_BACK = 2;

  private final Program program;
  private final WeightSizes weights;
  private final GradientPaths paths;

  /**
   * @param weights as they are held
   * @param trained names of the trained ones
   */
  public TrainingCostModel(Program program, WeightSizes weights, Set<String> trained) {
    this.program = program;
    this.weights = weights;
    this.paths = new GradientPaths(program, trained);
  }

  /**
   * The price of one step's batch.
   *
   * @param inputShapes of every input of the program, by name
   * @param keptBytes that the results of products may take, see {@link
   *     io.github.tpdiff.runtime.engine.Activations#keptBytes}
   */
  public TrainingCost price(Map<String, long[]> inputShapes, long keptBytes) {
    var step = new Step(inputShapes, keptBytes);
    for (int i = 0; i < program.segments().size(); i++) {
      step.add(i);
    }
    return step.cost();
  }

  private final class Step {
    private final Map<String, long[]> shapes;
    private long left;
    private Work work = Work.NONE;
    private final Map<Version, Long> named = new HashMap<>();
    private long kept;
    private long onTheWay;
    private long held;
    private long tokens;

    Step(Map<String, long[]> inputShapes, long keptBytes) {
      this.shapes = new HashMap<>(inputShapes);
      this.left = keptBytes;
      program
          .inputs()
          .forEach((name, value) -> named.put(new Version(name, -1), bytes(value, given(name))));
    }

    private long[] given(String input) {
      long[] shape = shapes.get(input);
      if (shape == null) {
        throw new GraphException(program.name() + ": the shape of input " + input + " is missing");
      }
      return shape;
    }

    private long bytes(Value value, long[] shape) {
      long bytes = value.type().bytes();
      for (long extent : shape) {
        bytes = Math.multiplyExact(bytes, extent);
      }
      return bytes;
    }

    void add(int index) {
      Graph segment = program.segments().get(index);
      Map<String, Long> binding = segment.bind(shapes);
      var sizes = new NodeWork(binding);
      for (Value node : segment.nodes()) {
        work = work.plus(sizes.of(node));
        tokens = Math.max(tokens, sizes.tokens(node));
      }
      for (var output : segment.outputs().entrySet()) {
        long[] shape = output.getValue().shape().evaluate(binding);
        shapes.put(output.getKey(), shape);
        named.put(new Version(output.getKey(), index), bytes(output.getValue(), shape));
      }
      for (var weight : segment.weights().entrySet()) {
        long elements = weight.getValue().shape().elementCount().value();
        held = Math.addExact(held, weights.bytes(weight.getKey(), elements));
      }
      long peak = new Liveness(segment, sizes).peakBytes();
      onTheWay = Math.max(onTheWay, paths.of(index).isEmpty() ? peak : back(index, sizes, peak));
    }

    /** Counts the way back through a segment; bytes that it holds on the way. */
    private long back(int index, NodeWork sizes, long peak) {
      Graph segment = program.segments().get(index);
      Set<Value> reached = paths.reached(index);
      var products = Products.of(segment, reached, paths.of(index).outputs(), true);
      Set<Value> keeps = products.worthKeeping();
      long bytes = keeps.stream().mapToLong(sizes::bytes).sum();
      long recorded = 0;
      for (Value node : segment.nodes()) {
        boolean isRecorded = reached.contains(node) && !products.passes(node);
        if (node.isSource()) {
          continue;
        }
        if (isRecorded || (products.isNeeded(node) && !keeps.contains(node))) {
          work = work.plus(sizes.of(node));
        }
        if (reached.contains(node)) {
          work = work.plus(back(node, products, sizes));
        }
        recorded += isRecorded && !NodeWork.isFree(node.op()) ? sizes.bytes(node) : 0;
      }
      // Where no product passes gradients by a formula, autograd holds the whole segment.
      boolean isWhole = segment.nodes().stream().noneMatch(products::passes);
      long needed = PEAKS_BACK * peak + (isWhole ? recorded : 0);
      if (bytes <= left) {
        left -= bytes;
        kept = Math.addExact(kept, bytes);
        return needed;
      }
      for (Value node : ancestors(keeps)) {
        work = work.plus(sizes.of(node));
      }
      return Math.addExact(needed, bytes);
    }

    /** What the gradients of a node's operands cost, the node's own being there. */
    private Work back(Value node, Products products, NodeWork sizes) {
      Work once = sizes.of(node);
      long ways = node.inputs().stream().limit(2).filter(products.reached()::contains).count();
      if (node.op() instanceof Op.Linear || node.op() instanceof Op.Conv) {
        return once.times((double) ways);
      }
      if (node.op() instanceof Op.Attention) {
        return once.times(ATTENTION_BACK);
      }
      return once.times(products.passes(node) ? 1 : ELEMENTWISE_BACK);
    }

    TrainingCost cost() {
      long passes = Math.addExact(kept, onTheWay);
      long all = named.values().stream().reduce(0L, Math::addExact);
      return new TrainingCost(
          work,
          Math.addExact(all, passes),
          Math.addExact(new LiveValues(paths).peakBytes(named), passes),
          held,
          tokens);
    }
  }

  private static Set<Value> ancestors(Collection<Value> values) {
    var all = new LinkedHashSet<Value>();
    var open = new ArrayDeque<>(values);
    while (!open.isEmpty()) {
      Value next = open.pop();
      if (all.add(next)) {
        open.addAll(next.inputs());
      }
    }
    return all;
  }
}
