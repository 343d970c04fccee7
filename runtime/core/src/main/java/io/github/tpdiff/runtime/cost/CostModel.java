package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;

/**
 * Prices a program for given input shapes, from its graph alone.
 *
 * <p>Activations are fp32. Attention is fused: its scores are never held. What an engine fuses
 * beyond that is not foreseen, so peak memory is an upper estimate of the activations.
 */
public final class CostModel {
  private final Program program;
  private final WeightSizes weights;

  public CostModel(Program program, WeightSizes weights) {
    this.program = program;
    this.weights = weights;
  }

  /**
   * The price of one run.
   *
   * @param inputShapes of every input of the program, by name
   * @throws io.github.tpdiff.runtime.graph.GraphException if an input is missing or does not fit
   */
  public Cost price(Map<String, long[]> inputShapes) {
    var shapes = new HashMap<>(inputShapes);
    var live = new HashMap<String, Long>();
    program.inputs().forEach((name, value) -> live.put(name, bytes(name, value, shapes)));
    long peak = total(live);
    var segments = new ArrayList<SegmentCost>();
    for (int i = 0; i < program.segments().size(); i++) {
      Graph segment = program.segments().get(i);
      var binding = segment.bind(shapes);
      var sizes = new NodeWork(binding);
      SegmentCost cost = price(segment, sizes);
      segments.add(cost);
      peak = Math.max(peak, Math.addExact(total(live), cost.peakBytes()));
      for (var output : segment.outputs().entrySet()) {
        shapes.put(output.getKey(), output.getValue().shape().evaluate(binding));
        long bytes = sizes.bytes(output.getValue());
        live.put(output.getKey(), bytes);
      }
      peak = Math.max(peak, total(live));
      live.keySet().removeAll(program.deadAfter(i));
    }
    return new Cost(segments, peak);
  }

  private SegmentCost price(Graph segment, NodeWork sizes) {
    Work work = Work.NONE;
    long tokens = 0;
    for (Value node : segment.nodes()) {
      work = work.plus(sizes.of(node));
      tokens = Math.max(tokens, sizes.tokens(node));
    }
    long weightBytes = 0;
    for (var weight : segment.weights().entrySet()) {
      long elements = weight.getValue().shape().elementCount().value();
      weightBytes = Math.addExact(weightBytes, weights.bytes(weight.getKey(), elements));
    }
    var liveness = new Liveness(segment, sizes);
    return new SegmentCost(segment.name(), work, weightBytes, liveness.peakBytes(), tokens);
  }

  private long bytes(String input, Value value, Map<String, long[]> shapes) {
    long[] shape = shapes.get(input);
    if (shape == null) {
      throw new GraphException(program.name() + ": the shape of input " + input + " is missing");
    }
    long bytes = value.type().bytes();
    for (long extent : shape) {
      bytes = Math.multiplyExact(bytes, extent);
    }
    return bytes;
  }

  private static long total(Map<String, Long> live) {
    return live.values().stream().mapToLong(Long::longValue).sum();
  }
}
