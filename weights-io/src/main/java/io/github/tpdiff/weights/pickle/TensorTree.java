package io.github.tpdiff.weights.pickle;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tensors in nested dictionaries and lists, by their path. */
final class TensorTree {

  private static final int MAX_DEPTH = 64;
  private static final int MAX_VISITS = 4_000_000;

  private record Node(String path, int depth, Object value) {}

  private TensorTree() {}

  /**
   * Collects tensors; keys and positions on the way to one are joined by {@code /}.
   *
   * @throws PickleException when nesting or number of values exceed the limits, or a path repeats
   */
  static Map<String, StoredTensor> flatten(Object root) throws PickleException {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    Deque<Node> pending = new ArrayDeque<>();
    pending.push(new Node("", 0, root));
    for (int visits = 0; !pending.isEmpty(); visits++) {
      Node node = pending.pop();
      if (visits > MAX_VISITS || pending.size() > MAX_VISITS) {
        throw new PickleException("more than %d values once unfolded".formatted(MAX_VISITS));
      }
      if (node.value() instanceof StoredTensor tensor) {
        if (tensors.putIfAbsent(node.path(), tensor) != null) {
          throw new PickleException("two tensors have the path '%s'".formatted(node.path()));
        }
        continue;
      }
      List<Node> children = children(node);
      for (int i = children.size() - 1; i >= 0; i--) {
        pending.push(children.get(i));
      }
    }
    return tensors;
  }

  private static List<Node> children(Node node) throws PickleException {
    List<Node> children = new ArrayList<>();
    if (node.value() instanceof Map<?, ?> map) {
      map.forEach((key, value) -> addChild(children, node, key, value));
    } else if (node.value() instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        addChild(children, node, (long) i, list.get(i));
      }
    }
    if (!children.isEmpty() && node.depth() >= MAX_DEPTH) {
      throw new PickleException("values are nested deeper than %d levels".formatted(MAX_DEPTH));
    }
    return children;
  }

  /** Only what is or may hold a tensor is worth a visit. */
  private static void addChild(List<Node> children, Node parent, Object key, Object value) {
    if (value instanceof StoredTensor || value instanceof Map || value instanceof List) {
      String name = key instanceof String || key instanceof Long ? key.toString() : "?";
      String path = parent.depth() == 0 ? name : parent.path() + "/" + name;
      children.add(new Node(path, parent.depth() + 1, value));
    }
  }
}
