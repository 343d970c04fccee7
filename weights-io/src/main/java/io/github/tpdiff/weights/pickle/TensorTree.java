package io.github.tpdiff.weights.pickle;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors in nested dictionaries and lists, by their path.
 *
 * <p>Containers may be shared or hold themselves, so that a short pickle unfolds to any number of
 * paths. Containers without tensors are found in one pass over what is really there; the rest is
 * unfolded within limits.
 */
final class TensorTree {

  private static final int MAX_DEPTH = 64;

  /** Most containers and tensors unfolded; large checkpoints have a few thousand tensors. */
  private static final int MAX_VISITS = 500_000;

  private static final int MAX_PATH_CHARS = 64 << 20;

  private record Node(String path, int depth, Object value) {}

  /** The containers that lead to a tensor, each with the children that do. */
  private final IdentityHashMap<Object, List<Node>> leading = new IdentityHashMap<>();

  private long visits;
  private long pathChars;

  private TensorTree() {}

  /**
   * Collects tensors; keys and positions on the way to one are joined by {@code /}.
   *
   * @throws PickleException when nesting or number of values exceed the limits, or a path repeats
   */
  static Map<String, StoredTensor> flatten(Object root) throws PickleException {
    return new TensorTree().unfold(root);
  }

  private Map<String, StoredTensor> unfold(Object root) throws PickleException {
    findLeading(root);
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    Deque<Node> pending = new ArrayDeque<>();
    pending.push(new Node("", 0, root));
    while (!pending.isEmpty()) {
      Node node = pending.pop();
      if (node.value() instanceof StoredTensor tensor) {
        if (tensors.putIfAbsent(node.path(), tensor) != null) {
          throw new PickleException("two tensors have the path '%s'".formatted(node.path()));
        }
        continue;
      }
      List<Node> children = leading.getOrDefault(node.value(), List.of());
      if (!children.isEmpty() && node.depth() >= MAX_DEPTH) {
        throw new PickleException("values are nested deeper than %d levels".formatted(MAX_DEPTH));
      }
      for (int i = children.size() - 1; i >= 0; i--) {
        pending.push(below(node, children.get(i)));
      }
    }
    return tensors;
  }

  private Node below(Node parent, Node child) throws PickleException {
    visits++;
    pathChars += parent.path().length() + 1 + child.path().length();
    if (visits > MAX_VISITS || pathChars > MAX_PATH_CHARS) {
      throw new PickleException(
          "more than %d values or %d characters of their names once unfolded"
              .formatted(MAX_VISITS, MAX_PATH_CHARS));
    }
    String path = parent.depth() == 0 ? child.path() : parent.path() + "/" + child.path();
    return new Node(path, parent.depth() + 1, child.value());
  }

  /** From the tensors upwards: every container is looked at once, however often it is held. */
  private void findLeading(Object root) {
    IdentityHashMap<Object, List<Object>> holders = new IdentityHashMap<>();
    Deque<Object> found = new ArrayDeque<>();
    Deque<Object> pending = new ArrayDeque<>();
    holders.put(root, new ArrayList<>(0));
    pending.push(root);
    while (!pending.isEmpty()) {
      Object container = pending.pop();
      if (container instanceof StoredTensor) {
        found.add(container);
      }
      for (Object value : values(container)) {
        if (value instanceof StoredTensor || value instanceof Map || value instanceof List) {
          List<Object> known = holders.get(value);
          if (known == null) {
            known = new ArrayList<>(1);
            holders.put(value, known);
            pending.push(value);
          }
          known.add(container);
        }
      }
    }
    while (!found.isEmpty()) {
      for (Object holder : holders.getOrDefault(found.remove(), List.of())) {
        if (leading.putIfAbsent(holder, List.of()) == null) {
          found.add(holder);
        }
      }
    }
    leading.replaceAll((container, none) -> children(container));
  }

  private static Collection<?> values(Object container) {
    if (container instanceof Map<?, ?> map) {
      return map.values();
    }
    return container instanceof List<?> list ? list : List.of();
  }

  private List<Node> children(Object container) {
    List<Node> children = new ArrayList<>();
    if (container instanceof Map<?, ?> map) {
      map.forEach((key, value) -> addLeading(children, key, value));
    } else if (container instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        addLeading(children, (long) i, list.get(i));
      }
    }
    return children;
  }

  private void addLeading(List<Node> children, Object key, Object value) {
    if (value instanceof StoredTensor || leading.containsKey(value)) {
      children.add(new Node(name(key), 0, value));
    }
  }

  private static String name(Object key) {
    if (key instanceof Boolean truth) {
      return truth ? "True" : "False";
    }
    return key instanceof String || key instanceof Number ? key.toString() : "?";
  }
}
