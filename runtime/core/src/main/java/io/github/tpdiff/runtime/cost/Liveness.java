package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;

/**
 * The bytes alive while a segment's nodes run in order: a result lives from its node to its last
 * reader, outputs to the end. A reshape shares its input's bytes; sources belong to others.
 */
final class Liveness {
  private final Graph segment;
  private final NodeWork sizes;
  private final Map<Value, Integer> lastUse = new HashMap<>();

  Liveness(Graph segment, NodeWork sizes) {
    this.segment = segment;
    this.sizes = sizes;
    for (int i = 0; i < segment.nodes().size(); i++) {
      for (Value input : segment.nodes().get(i).inputs()) {
        lastUse.put(owner(input), i);
      }
    }
    segment.outputs().values().forEach(o -> lastUse.put(owner(o), Integer.MAX_VALUE));
  }

  private static Value owner(Value value) {
    Value owner = value;
    while (owner.op() instanceof Op.Reshape) {
      owner = owner.inputs().get(0);
    }
    return owner;
  }

  long peakBytes() {
    long live = 0;
    long peak = 0;
    for (int i = 0; i < segment.nodes().size(); i++) {
      Value node = segment.nodes().get(i);
      if (!NodeWork.isFree(node.op())) {
        live = Math.addExact(live, sizes.bytes(node));
        peak = Math.max(peak, live);
      }
      live -= freedAfter(i, node);
    }
    return peak;
  }

  private long freedAfter(int index, Value node) {
    var freed = new HashSet<Value>();
    for (Value input : node.inputs()) {
      Value owner = owner(input);
      if (!NodeWork.isSource(owner.op()) && Objects.equals(lastUse.get(owner), index)) {
        freed.add(owner);
      }
    }
    return freed.stream().mapToLong(sizes::bytes).sum();
  }
}
