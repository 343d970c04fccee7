package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.DeviceValues;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.TensorSource;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A program that runs segment by segment; a value is freed after the last segment to read it. */
final class TorchExecutable implements Executable {
  private final Program program;
  private final Map<String, Value> inputs;
  private final List<Set<String>> deadAfter = new ArrayList<>();
  private final NDManager held;
  private final TorchModule module;
  private final TorchWeights weights;
  private final List<Segment> segments;
  private final SegmentCalls calls;

  TorchExecutable(
      Program program, TensorSource source, TorchEngine.Options options, NDManager held) {
    this.program = program;
    this.inputs = program.inputs();
    this.held = held;
    var script =
        new TorchScriptWriter(program, name -> WeightForm.of(source, name), options.arithmetic());
    this.segments = script.segments();
    this.module = new TorchModule(script.source(), held);
    this.weights = new TorchWeights(source, module, held);
    this.calls = new SegmentCalls(segments, module, weights, held);
    if (options.offload()) {
      weights.offload(program.ownWeights(Set.of()));
    }
    for (int i = 0; i < segments.size(); i++) {
      deadAfter.add(program.deadAfter(i));
    }
  }

  @Override
  public List<String> inputNames() {
    return List.copyOf(inputs.keySet());
  }

  @Override
  public List<String> outputNames() {
    return program.outputs();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> given) {
    return run(given, Bindings.none());
  }

  /**
   * What a run is told beside its inputs.
   *
   * @param values on the device, by input
   * @param cancellation of the run, between two segments
   */
  private record Bindings(Map<String, NDArray> values, Cancellation cancellation) {
    static Bindings none() {
      return new Bindings(Map.of(), new Cancellation());
    }
  }

  private Map<String, Tensor> run(Map<String, Tensor> given, Bindings bindings) {
    try (NDManager scope = held.newSubManager()) {
      Map<String, NDArray> values = outputs(given, bindings, scope);
      var results = new LinkedHashMap<String, Tensor>();
      values.forEach((name, array) -> results.put(name, HostTensors.toHost(array)));
      return results;
    } finally {
      Reference.reachabilityFence(given); // a value may be a view of an input's memory
    }
  }

  private Map<String, NDArray> outputs(
      Map<String, Tensor> given, Bindings bindings, NDManager scope) {
    var values = new HashMap<>(bindings.values());
    values.putAll(toDevice(given, scope));
    for (int i = 0; i < segments.size(); i++) {
      bindings.cancellation().check();
      calls.enter(i, (i + 1) % segments.size()); // a sampler runs the whole again
      var results = calls.run(segments.get(i), values, TorchModule.Mode.INFERENCE, scope);
      List<String> outputs = segments.get(i).outputs();
      for (int k = 0; k < outputs.size(); k++) {
        free(values.put(outputs.get(k), results.get(k)), scope);
      }
      deadAfter.get(i).forEach(name -> free(values.remove(name), scope));
    }
    var results = new LinkedHashMap<String, NDArray>();
    for (String name : program.outputs()) {
      results.put(name, Objects.requireNonNull(values.get(name)));
    }
    return results;
  }

  @Override
  public DeviceValues compute(Map<String, Tensor> given) {
    return compute(given, Bindings.none());
  }

  private DeviceValues compute(Map<String, Tensor> given, Bindings bindings) {
    if (!held.getDevice().isGpu()) {
      // It computes in the host's memory; arrays that outlive this would keep its heap apart.
      return DeviceValues.of(run(given, bindings));
    }
    NDManager kept = held.getParentManager().newSubManager(held.getDevice());
    try (NDManager scope = held.newSubManager()) {
      // Copied: an output may be a view of an input's memory, or of a weight that is freed earlier.
      var values = new LinkedHashMap<String, NDArray>();
      outputs(given, bindings, scope)
          .forEach(
              (name, array) -> {
                NDArray copy = array.duplicate();
                copy.attach(kept);
                values.put(name, copy);
              });
      return new TorchValues(kept, values);
    } catch (RuntimeException failure) {
      kept.close();
      throw failure;
    } finally {
      Reference.reachabilityFence(given);
    }
  }

  /** Frees what belongs to this run; what is bound stays. */
  private static void free(@Nullable NDArray array, NDManager scope) {
    if (array != null && array.getManager() == scope) {
      array.close();
    }
  }

  private void requireInputs(Set<String> names) {
    for (String name : names) {
      if (!inputs.containsKey(name)) {
        throw new GraphException(
            "%s: there is no input %s to bind; inputs are %s"
                .formatted(program.name(), name, inputs.keySet()));
      }
    }
  }

  private Map<String, NDArray> toDevice(Map<String, Tensor> given, NDManager scope) {
    return HostTensors.toDevice(program.name(), inputs, given, scope);
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed) {
    return new Bound(fixed, Bindings.none());
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
    return bound(fixed, computed, Bindings.none());
  }

  private Executable bound(Map<String, Tensor> fixed, DeviceValues computed, Bindings already) {
    var host = new HashMap<>(fixed);
    var bound = new HashMap<>(already.values());
    if (computed instanceof TorchValues values) {
      bound.putAll(values.arrays());
    } else {
      host.putAll(computed.toHost());
    }
    return new Bound(host, new Bindings(bound, already.cancellation()));
  }

  /** A run ends between two segments. */
  @Override
  public Executable until(Cancellation cancellation) {
    return new Bound(Map.of(), new Bindings(Map.of(), cancellation));
  }

  /** How many tensors this holds, views of weights included. */
  int heldTensors() {
    return held.getManagedArrays().size();
  }

  @Override
  public void close() {
    weights.close();
    module.close();
    held.close();
  }

  /** The executable around this with some inputs held on the device. */
  private final class Bound implements Executable {
    private final NDManager manager = held.newSubManager();
    private final Bindings bindings;

    Bound(Map<String, Tensor> fixed, Bindings already) {
      requireInputs(fixed.keySet());
      var bound = new HashMap<>(already.values());
      bound.putAll(toDevice(fixed, manager));
      this.bindings = new Bindings(bound, already.cancellation());
    }

    @Override
    public List<String> inputNames() {
      return inputs.keySet().stream().filter(name -> !bindings.values().containsKey(name)).toList();
    }

    @Override
    public List<String> outputNames() {
      return program.outputs();
    }

    @Override
    public Map<String, Tensor> run(Map<String, Tensor> given) {
      return TorchExecutable.this.run(given, bindings);
    }

    @Override
    public DeviceValues compute(Map<String, Tensor> given) {
      return TorchExecutable.this.compute(given, bindings);
    }

    @Override
    public Executable bind(Map<String, Tensor> fixed) {
      return new Bound(fixed, bindings);
    }

    @Override
    public Executable bind(Map<String, Tensor> fixed, DeviceValues computed) {
      return bound(fixed, computed, bindings);
    }

    @Override
    public Executable until(Cancellation cancellation) {
      return new Bound(Map.of(), new Bindings(bindings.values(), cancellation));
    }

    @Override
    public void close() {
      manager.close();
    }
  }
}
