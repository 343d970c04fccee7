package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.GradientPaths.Version;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Runs a program's segments one after another without autograd.
 *
 * @param waiting where values that are kept are once no segment reads them any more
 */
record ForwardPass(
    GradientPaths paths,
    List<Segment> segments,
    SegmentCalls calls,
    TorchModule module,
    Waiting waiting) {
  ForwardPass {
    segments = List.copyOf(segments);
  }

  /** Runs one segment, by its index, on what it reads; gives its outputs and maybe more. */
  interface Step {
    List<NDArray> run(int segment, Map<String, NDArray> arguments);
  }

  /** What is not read again waits if it is in {@code keep}, else it is freed. */
  Map<Version, NDArray> run(Map<String, NDArray> inputs, Set<Version> keep, NDManager scope) {
    return run(
        inputs,
        keep,
        (segment, arguments) -> calls.run(segments.get(segment), arguments, Mode.NO_GRAD, scope));
  }

  /** The same, each segment run by {@code step}. */
  Map<Version, NDArray> run(Map<String, NDArray> inputs, Set<Version> keep, Step step) {
    var values = new HashMap<Version, NDArray>();
    inputs.forEach((name, array) -> values.put(new Version(name, -1), array));
    Set<Version> live = paths.read(segment -> true);
    for (int i = 0; i < segments.size(); i++) {
      int index = i;
      calls.enter(i, i + 1 < segments.size() ? i + 1 : Math.max(i - 1, 0)); // then back
      List<NDArray> results = step.run(i, inputsOf(i, values));
      List<String> outputs = segments.get(i).outputs();
      for (int k = 0; k < outputs.size(); k++) {
        values.put(new Version(outputs.get(k), i), results.get(k));
      }
      Set<Version> later = paths.read(segment -> segment > index);
      for (Version version : List.copyOf(values.keySet())) {
        boolean isPast = live.contains(version) || version.producer() == i;
        if (isPast && !later.contains(version)) {
          NDArray past = Objects.requireNonNull(values.remove(version));
          if (keep.contains(version)) {
            values.put(version, waiting.leave(past));
          } else {
            past.close();
          }
        }
      }
      live = later;
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
