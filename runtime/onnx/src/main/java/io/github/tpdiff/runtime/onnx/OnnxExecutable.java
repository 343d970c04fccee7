package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.TensorInfo;
import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.GraphException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A graph on ONNX Runtime; what {@link #bind} fixes stays in the host memory it is read from. */
final class OnnxExecutable implements Executable {
  private final OnnxSession session;
  private final Consumer<Map<String, long[]>> shapeCheck;
  private final Map<String, Tensor> fixed;
  private final Cancellation cancellation;
  private final Runnable release;

  private OnnxExecutable(
      OnnxSession session, Consumer<Map<String, long[]>> shapeCheck, Runnable release) {
    this.session = session;
    this.shapeCheck = shapeCheck;
    this.fixed = Map.of();
    this.cancellation = new Cancellation();
    this.release = release;
  }

  /** The same otherwise run, which leaves it open. */
  private OnnxExecutable(
      OnnxExecutable other, Map<String, Tensor> fixed, Cancellation cancellation) {
    this.session = other.session;
    this.shapeCheck = other.shapeCheck;
    this.fixed = Map.copyOf(fixed);
    this.cancellation = cancellation;
    this.release = () -> {};
  }

  /**
   * @param session closed with the executable
   * @param shapeCheck throws {@link GraphException} if the shapes of the inputs do not fit together
   */
  static OnnxExecutable of(OnnxSession session, Consumer<Map<String, long[]>> shapeCheck) {
    return new OnnxExecutable(session, shapeCheck, session::close);
  }

  @Override
  public List<String> inputNames() {
    return session.inputs().keySet().stream().filter(name -> !fixed.containsKey(name)).toList();
  }

  @Override
  public List<String> outputNames() {
    return session.outputNames();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    var all = new LinkedHashMap<String, Tensor>();
    var symbols = new HashMap<String, Long>();
    for (Map.Entry<String, TensorInfo> input : session.inputs().entrySet()) {
      String name = input.getKey();
      Tensor tensor = fixed.getOrDefault(name, inputs.get(name));
      if (tensor == null) {
        throw new GraphException(session.name() + ": input " + name + " is missing");
      }
      check(name, input.getValue(), tensor, symbols);
      all.put(name, tensor);
    }
    var shapes = new HashMap<String, long[]>();
    all.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    shapeCheck.accept(shapes);
    return session.run(all, cancellation);
  }

  private void check(String name, TensorInfo expected, Tensor found, Map<String, Long> symbols) {
    long[] shape = found.shape();
    long[] extents = expected.getShape();
    String[] symbolNames = expected.getDimensionNames();
    boolean fits =
        found.type() == OnnxSession.elementType(expected) && shape.length == extents.length;
    for (int axis = 0; fits && axis < shape.length; axis++) {
      if (extents[axis] >= 0) {
        fits = shape[axis] == extents[axis];
      } else if (!symbolNames[axis].isEmpty()) {
        Long earlier = symbols.putIfAbsent(symbolNames[axis], shape[axis]);
        fits = earlier == null || earlier == shape[axis];
      }
    }
    if (!fits) {
      throw new GraphException(
          "%s: input %s: expected %s%s, found %s%s"
              .formatted(
                  session.name(),
                  name,
                  OnnxSession.elementType(expected),
                  describe(extents, symbolNames, symbols),
                  found.type(),
                  Arrays.toString(shape)));
    }
  }

  private static List<String> describe(
      long[] extents, String[] symbolNames, Map<String, Long> symbols) {
    var texts = new String[extents.length];
    for (int axis = 0; axis < extents.length; axis++) {
      Long known = symbols.get(symbolNames[axis]);
      texts[axis] =
          extents[axis] >= 0
              ? Long.toString(extents[axis])
              : symbolNames[axis] + (known == null ? "" : "=" + known);
    }
    return List.of(texts);
  }

  @Override
  public Executable bind(Map<String, Tensor> others) {
    var bound = new HashMap<>(fixed);
    others.forEach(
        (name, tensor) -> {
          if (!session.inputs().containsKey(name)) {
            throw new GraphException(
                "%s: there is no input %s to bind; inputs are %s"
                    .formatted(session.name(), name, inputNames()));
          }
          bound.put(name, tensor);
        });
    return new OnnxExecutable(this, bound, cancellation);
  }

  /** A run ends between two operations. */
  @Override
  public Executable until(Cancellation other) {
    return new OnnxExecutable(this, fixed, other);
  }

  @Override
  public void close() {
    release.run();
  }
}
