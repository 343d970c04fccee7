package io.github.tpdiff.runtime.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Segments run one after another over named values: a segment takes its inputs from the program's
 * inputs and from outputs of earlier segments, a later output of the same name replaces the earlier
 * one.
 *
 * @param name the component, e.g. {@code transformer}
 * @param segments in order of execution
 * @param outputs names of the values that the program gives back
 */
public record Program(String name, List<Graph> segments, List<String> outputs) {
  public Program {
    segments = List.copyOf(segments);
    outputs = List.copyOf(outputs);
    var known = new HashMap<String, Joint.Known>();
    var produced = new HashSet<String>();
    var weights = new HashMap<String, Value>();
    for (Graph segment : segments) {
      var joint = new Joint(name, segment, known);
      joint.join();
      segment.weights().forEach((key, value) -> joint.share(key, value, weights));
      produced.addAll(segment.outputs().keySet());
    }
    for (String output : outputs) {
      if (!produced.contains(output)) {
        throw new GraphException(name + ": no segment produces output " + output);
      }
    }
  }

  /** What must be given: inputs that no earlier segment produces, by name, in order. */
  public Map<String, Value> inputs() {
    var needed = new LinkedHashMap<String, Value>();
    var produced = new HashSet<String>();
    for (Graph segment : segments) {
      segment
          .inputs()
          .forEach(
              (key, value) -> {
                if (!produced.contains(key)) {
                  needed.putIfAbsent(key, value);
                }
              });
      produced.addAll(segment.outputs().keySet());
    }
    return Collections.unmodifiableMap(needed);
  }

  /** Every checkpoint tensor used, by name, in order of first use. */
  public Map<String, Value> weights() {
    var weights = new LinkedHashMap<String, Value>();
    segments.forEach(s -> s.weights().forEach(weights::putIfAbsent));
    return Collections.unmodifiableMap(weights);
  }

  /** Of each segment, the weights that no other reads and that are not among {@code others}. */
  public List<Set<String>> ownWeights(Set<String> others) {
    var readers = new HashMap<String, Integer>();
    for (Graph segment : segments) {
      segment.weights().keySet().forEach(weight -> readers.merge(weight, 1, Integer::sum));
    }
    var own = new ArrayList<Set<String>>();
    for (Graph segment : segments) {
      var names = new LinkedHashSet<>(segment.weights().keySet());
      names.removeIf(weight -> readers.getOrDefault(weight, 0) > 1 || others.contains(weight));
      own.add(Collections.unmodifiableSet(names));
    }
    return own;
  }

  /** The names that no segment after number {@code index} reads and the program does not return. */
  public Set<String> deadAfter(int index) {
    var dead = new HashSet<String>(inputs().keySet());
    segments.subList(0, index + 1).forEach(s -> dead.addAll(s.outputs().keySet()));
    var live = new HashSet<>(outputs);
    for (Graph later : segments.subList(index + 1, segments.size())) {
      live.addAll(later.inputs().keySet());
    }
    dead.removeAll(live);
    return dead;
  }

  /** Concrete shapes of every named value, following the segments from the inputs' shapes. */
  public Map<String, long[]> shapes(Map<String, long[]> inputShapes) {
    var shapes = new HashMap<>(inputShapes);
    for (Graph segment : segments) {
      var binding = segment.bind(shapes);
      segment.outputs().forEach((key, value) -> shapes.put(key, value.shape().evaluate(binding)));
    }
    return shapes;
  }

  /** This program followed by {@code next}, which may read what this one produces. */
  public Program then(Program next) {
    var joined = new ArrayList<>(segments);
    joined.addAll(next.segments);
    return new Program(next.name, joined, next.outputs);
  }

  public Program mapSegments(UnaryOperator<Graph> change) {
    return new Program(name, segments.stream().map(change).toList(), outputs);
  }
}
