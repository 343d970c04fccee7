package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.torch.GradientPaths.Version;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Runs a program's segments one after another without autograd. */
record ForwardPass(
    GradientPaths paths, List<Segment> segments, SegmentCalls calls, TorchModule module) {
  ForwardPass {
    segments = List.copyOf(segments);
  }

  /** What is neither read again nor in {@code keep} is freed. */
  Map<Version, NDArray> run(Map<String, NDArray> inputs, Set<Version> keep, NDManager scope) {
    var values = new HashMap<Version, NDArray>();
    inputs.forEach((name, array) -> values.put(new Version(name, -1), array));
    for (int i = 0; i < segments.size(); i++) {
      int index = i;
      calls
          .run(segments.get(i), inputsOf(i, values), Mode.NO_GRAD, scope)
          .forEach((name, array) -> values.put(new Version(name, index), array));
      Set<Version> later = paths.read(segment -> segment > index);
      values
          .entrySet()
          .removeIf(
              entry -> {
                boolean dead = !later.contains(entry.getKey()) && !keep.contains(entry.getKey());
                if (dead) {
                  entry.getValue().close();
                }
                return dead;
              });
    }
    return values;
  }

  /** What a segment reads; what is missing is left out. */
  Map<String, NDArray> inputsOf(int segment, Map<Version, NDArray> values) {
    var arrays = new HashMap<String, NDArray>();
    for (String name : segments.get(segment).inputs()) {
      NDArray array = values.get(paths.source(segment, name));
      if (array != null) {
        arrays.put(name, array);
      }
    }
    return arrays;
  }
}
