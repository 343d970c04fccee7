package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.GraphException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A graph on ONNX Runtime. What {@link #bind} fixes stays in the host memory it is read from, but
 * for inputs that need not be given, such as LoRAs of graphs that leave room for them: those are
 * copied once.
 */
final class OnnxExecutable implements Executable {
  private final OnnxSession session;
  private final Checks checks;
  private final Held held;
  private final Cancellation cancellation;
  private final Runnable release;

  /**
   * What is known of inputs before a run.
   *
   * @param optional inputs that a run goes without, which can only be bound
   * @param shapes throws {@link GraphException} if the shapes of the inputs do not fit together
   */
  record Checks(Map<String, InputForm> optional, Consumer<Map<String, long[]>> shapes) {}

  /** What is bound. */
  private record Held(Map<String, Tensor> fixed, List<BoundAdapter> adapters) {}

  private OnnxExecutable(OnnxSession session, Checks checks, Runnable release) {
    this.session = session;
    this.checks = checks;
    this.held = new Held(Map.of(), List.of());
    this.cancellation = new Cancellation();
    this.release = release;
  }

  /** The same otherwise run, which leaves it open. */
  private OnnxExecutable(
      OnnxExecutable other, Held held, Cancellation cancellation, Runnable release) {
    this.session = other.session;
    this.checks = other.checks;
    this.held = held;
    this.cancellation = cancellation;
    this.release = release;
  }

  /**
   * @param session closed with the executable
   */
  static OnnxExecutable of(OnnxSession session, Checks checks) {
    return new OnnxExecutable(session, checks, session::close);
  }

  @Override
  public List<String> inputNames() {
    return session.inputs().keySet().stream()
        .filter(name -> !held.fixed().containsKey(name))
        .toList();
  }

  @Override
  public List<String> outputNames() {
    return session.outputNames();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    var all = new LinkedHashMap<String, Tensor>();
    var symbols = new HashMap<String, Long>();
    for (Map.Entry<String, InputForm> input : session.inputs().entrySet()) {
      String name = input.getKey();
      Tensor tensor = held.fixed().getOrDefault(name, inputs.get(name));
      if (tensor == null) {
        throw new GraphException(session.name() + ": input " + name + " is missing");
      }
      input.getValue().require(session.name(), name, tensor, symbols);
      all.put(name, tensor);
    }
    var shapes = new HashMap<String, long[]>();
    all.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    checks.shapes().accept(shapes);
    return session.run(all, new OnnxSession.Around(held.adapters(), cancellation));
  }

  @Override
  public Executable bind(Map<String, Tensor> others) {
    var fixed = new HashMap<>(held.fixed());
    var optional = new LinkedHashMap<String, Tensor>();
    others.forEach(
        (name, tensor) -> {
          if (session.inputs().containsKey(name)) {
            fixed.put(name, tensor);
          } else {
            requireOptional(name);
            optional.put(name, tensor);
          }
        });
    var symbols = new HashMap<String, Long>();
    optional.forEach(
        (name, tensor) ->
            Objects.requireNonNull(checks.optional().get(name))
                .require(session.name(), name, tensor, symbols));
    if (optional.isEmpty()) {
      return with(new Held(Map.copyOf(fixed), held.adapters()), () -> {});
    }
    BoundAdapter adapter = BoundAdapter.of(optional);
    var adapters = new ArrayList<>(held.adapters());
    adapters.add(adapter);
    return with(new Held(Map.copyOf(fixed), List.copyOf(adapters)), adapter::close);
  }

  private OnnxExecutable with(Held other, Runnable freed) {
    return new OnnxExecutable(this, other, cancellation, freed);
  }

  private void requireOptional(String name) {
    if (!checks.optional().containsKey(name)) {
      throw new GraphException(
          "%s: there is no input %s to bind; inputs are %s"
              .formatted(session.name(), name, inputNames()));
    }
    if (held.adapters().stream().anyMatch(adapter -> adapter.names().contains(name))) {
      throw new GraphException("%s: input %s is bound already".formatted(session.name(), name));
    }
  }

  /** A run ends between two operations. */
  @Override
  public Executable until(Cancellation other) {
    return new OnnxExecutable(this, held, other, () -> {});
  }

  @Override
  public void close() {
    release.run();
  }
}
