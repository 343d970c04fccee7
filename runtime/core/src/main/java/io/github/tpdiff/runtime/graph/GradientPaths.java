package io.github.tpdiff.runtime.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Which segments the backward pass runs again, and which gradients each takes in and gives out:
 * only those on a path from a trained weight to the program's output.
 */
public final class GradientPaths {
  /**
   * A named value as one segment made it; a later segment may make another of the same name.
   *
   * @param producer the segment's index, −1 for the program's inputs
   */
  public record Version(String name, int producer) {}

  /**
   * The gradients of one segment, each list in the order of the graph; no outputs if the segment
   * need not run again.
   *
   * @param outputs those whose gradients come in
   * @param inputs those whose gradients go out
   * @param weights the trained ones whose gradients go out, after the inputs
   */
  public record SegmentGradients(List<String> outputs, List<String> inputs, List<String> weights) {
    /** Whether the backward pass does not come by. */
    public boolean isEmpty() {
      return outputs.isEmpty();
    }
  }

  private final Program program;
  private final Set<String> trained;
  private final List<Map<String, Version>> sources = new ArrayList<>();
  private final List<Set<Value>> active = new ArrayList<>();
  private final Set<Version> differentiable = new HashSet<>();
  private final Version output;
  private final List<SegmentGradients> gradients = new ArrayList<>();
  private final List<Set<Value>> reached = new ArrayList<>();

  /**
   * @throws GraphException if the program has several outputs, or a trained weight is not in it or
   *     does not influence the output
   */
  public GradientPaths(Program program, Set<String> trained) {
    this.program = program;
    this.trained = Set.copyOf(trained);
    if (program.outputs().size() != 1) {
      throw new GraphException(
          program.name() + ": expected one output to train on, found " + program.outputs());
    }
    var current = new HashMap<String, Version>();
    program.inputs().keySet().forEach(name -> current.put(name, new Version(name, -1)));
    for (int i = 0; i < program.segments().size(); i++) {
      follow(i, current);
    }
    this.output = require(current, program.outputs().get(0));
    goBack();
    requireAllReached();
  }

  public Program program() {
    return program;
  }

  private static <T> T require(Map<String, T> map, String name) {
    T found = map.get(name);
    if (found == null) {
      throw new GraphException("no value " + name);
    }
    return found;
  }

  /** Notes what segment {@code i} reads and which of its values depend on trained weights. */
  private void follow(int i, Map<String, Version> current) {
    Graph graph = program.segments().get(i);
    var read = new HashMap<String, Version>();
    graph.inputs().keySet().forEach(name -> read.put(name, require(current, name)));
    sources.add(read);
    var dependent = new HashSet<Value>();
    for (Value node : graph.nodes()) {
      if (node.type() == ElementType.F32
          && !(node.op() instanceof Op.Detach)
          && (isStart(node, read) || node.inputs().stream().anyMatch(dependent::contains))) {
        dependent.add(node);
      }
    }
    active.add(dependent);
    graph
        .outputs()
        .forEach(
            (name, value) -> {
              var version = new Version(name, i);
              current.put(name, version);
              if (dependent.contains(value)) {
                differentiable.add(version);
              }
            });
  }

  private boolean isStart(Value node, Map<String, Version> read) {
    return (node.op() instanceof Op.Weight weight && trained.contains(weight.name()))
        || (node.op() instanceof Op.Input input
            && differentiable.contains(require(read, input.name())));
  }

  /** From the last segment to the first: what a segment's inputs need, earlier outputs give. */
  private void goBack() {
    var wanted = new HashSet<Version>(Set.of(output));
    wanted.retainAll(differentiable);
    for (int i = program.segments().size() - 1; i >= 0; i--) {
      gradients.add(0, segment(i, wanted));
    }
  }

  private SegmentGradients segment(int i, Set<Version> wanted) {
    Graph graph = program.segments().get(i);
    List<String> outputs =
        graph.outputs().keySet().stream()
            .filter(name -> wanted.contains(new Version(name, i)))
            .toList();
    var reached = new HashSet<Value>();
    outputs.forEach(name -> reached.add(require(graph.outputs(), name)));
    List<Value> nodes = graph.nodes();
    for (int n = nodes.size() - 1; n >= 0; n--) {
      if (reached.contains(nodes.get(n))) {
        nodes.get(n).inputs().stream().filter(active.get(i)::contains).forEach(reached::add);
      }
    }
    this.reached.add(0, reached);
    var inputs = new LinkedHashSet<String>();
    var weights = new LinkedHashSet<String>();
    for (Value node : nodes) {
      if (reached.contains(node) && node.op() instanceof Op.Input input) {
        inputs.add(input.name());
        wanted.add(source(i, input.name()));
      } else if (reached.contains(node) && node.op() instanceof Op.Weight weight) {
        weights.add(weight.name());
      }
    }
    return new SegmentGradients(outputs, List.copyOf(inputs), List.copyOf(weights));
  }

  private void requireAllReached() {
    var missing = new TreeSet<>(trained);
    missing.removeAll(program.weights().keySet());
    if (!missing.isEmpty()) {
      throw new GraphException(
          program.name() + ": there is no weight " + missing.first() + " to train");
    }
    var idle = new TreeSet<>(trained);
    gradients.forEach(segment -> segment.weights().forEach(idle::remove));
    if (!idle.isEmpty()) {
      throw new GraphException(
          program.name() + ": weight " + idle.first() + " does not influence the output");
    }
  }

  /** Names of the trained weights, in order. */
  public List<String> trained() {
    return trained.stream().sorted().toList();
  }

  /** What segment number {@code segment} does in the backward pass. */
  public SegmentGradients of(int segment) {
    return gradients.get(segment);
  }

  /** The values of a segment that gradients come by on their way from its outputs. */
  public Set<Value> reached(int segment) {
    return Collections.unmodifiableSet(reached.get(segment));
  }

  /** Which version of {@code input} a segment reads. */
  public Version source(int segment, String input) {
    return require(sources.get(segment), input);
  }

  /** The program's output. */
  public Version output() {
    return output;
  }

  /** The versions that segments read which the predicate accepts. */
  public Set<Version> read(Predicate<Integer> segments) {
    var versions = new HashSet<Version>(Set.of(output));
    for (int i = 0; i < sources.size(); i++) {
      if (segments.test(i)) {
        versions.addAll(sources.get(i).values());
      }
    }
    return versions;
  }
}
