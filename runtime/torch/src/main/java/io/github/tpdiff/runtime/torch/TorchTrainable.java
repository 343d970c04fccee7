package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Loss;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.torch.GradientPass.Wanted;
import io.github.tpdiff.weights.TensorSource;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** A program on PyTorch with gradients of some of its weights. */
final class TorchTrainable implements Trainable {
  private final Program program;
  private final Map<String, Value> inputs;
  private final List<String> trained;
  private final NDManager held;
  private final GradientPaths paths;
  private final TorchModule module;
  private final TorchWeights weights;
  private final ForwardPass forward;
  private final GradientPass pass;
  private final Loss loss;

  /**
   * How a step is made.
   *
   * @param activations that it holds
   * @param options of the engine
   */
  record Passes(Activations activations, TorchEngine.Options options) {}

  TorchTrainable(TensorSource source, GradientPaths paths, Passes passes, NDManager held) {
    this.program = paths.program();
    this.inputs = program.inputs();
    this.trained = paths.trained();
    this.paths = paths;
    this.held = held;
    this.loss = passes.options().loss();
    var script =
        new TorchScriptWriter(
            program,
            name -> trained.contains(name) ? WeightForm.NUMBERS : WeightForm.of(source, name),
            passes.options().arithmetic());
    this.pass =
        new GradientPass(
            paths,
            script,
            new Keeping(() -> passes.activations().keptBytes(() -> DeviceMemory.available(held))),
            !held.getDevice().isGpu());
    this.module = new TorchModule(script.source(), held);
    this.weights = new TorchWeights(source, module, held);
    var calls = new SegmentCalls(script.segments(), module, weights, held);
    this.forward =
        new ForwardPass(
            paths,
            script.segments(),
            calls,
            module,
            passes.options().offload() ? Waiting.ON_THE_HOST : Waiting.THERE);
    for (String name : trained) {
      long[] shape = shape(name);
      weights.replace(name, HostTensors.copy(Tensor.ofFloats(source.floats(name), shape), held));
    }
    var onDevice = new HashSet<>(program.weights().keySet());
    if (passes.options().offload()) {
      List<Set<String>> brought = program.ownWeights(Set.copyOf(trained));
      weights.offload(brought);
      brought.forEach(onDevice::removeAll);
    }
    if (held.getDevice().isGpu()) {
      // Before activations are given what memory is left.
      onDevice.forEach(name -> weights.get(name, held));
    }
  }

  private long[] shape(String weight) {
    return Objects.requireNonNull(program.weights().get(weight)).shape().evaluate(Map.of());
  }

  @Override
  public void update(Map<String, Tensor> values) {
    values.forEach(
        (name, tensor) -> {
          if (!trained.contains(name)) {
            throw new GraphException(program.name() + ": weight " + name + " is not trained");
          }
          if (!Arrays.equals(tensor.shape(), shape(name))) {
            throw new GraphException(
                "%s: weight %s: expected %s, found %s"
                    .formatted(program.name(), name, Arrays.toString(shape(name)), tensor));
          }
          weights.replace(name, HostTensors.copy(tensor, held));
        });
  }

  @Override
  public double loss(Map<String, Tensor> given, Tensor target) {
    requireFits(given, target);
    try (NDManager scope = held.newSubManager()) {
      return wanted(target, Trainable.alike(target), Loss.squared(), scope)
          .of(output(given, scope), module, scope)
          .getDouble();
    } finally {
      Reference.reachabilityFence(given);
    }
  }

  @Override
  public Tensor predict(Map<String, Tensor> given) {
    try (NDManager scope = held.newSubManager()) {
      return HostTensors.toHost(output(given, scope));
    } finally {
      Reference.reachabilityFence(given);
    }
  }

  private NDArray output(Map<String, Tensor> given, NDManager scope) {
    return Objects.requireNonNull(
        forward.run(onDevice(given, scope), Set.of(paths.output()), scope).get(paths.output()));
  }

  private Map<String, NDArray> onDevice(Map<String, Tensor> given, NDManager scope) {
    return HostTensors.toDevice(program.name(), inputs, given, scope);
  }

  @Override
  public Gradients gradients(Map<String, Tensor> given, Tensor target, Tensor weights) {
    var gradients = new LinkedHashMap<String, Tensor>();
    var predictions = new ArrayList<Tensor>();
    double loss =
        run(
            new DeviceOptimizer.Batch(given, target, weights),
            found -> {
              predictions.add(HostTensors.toHost(found.prediction()));
              trained.forEach(
                  name ->
                      gradients.put(
                          name,
                          HostTensors.toHost(Objects.requireNonNull(found.ofWeights().get(name)))));
            });
    return new Gradients(loss, predictions.get(0), gradients);
  }

  /**
   * Runs a batch forward and backward.
   *
   * @param use is given what comes of it, on the device as long as it runs
   * @return the loss
   */
  private double run(DeviceOptimizer.Batch batch, Consumer<GradientPass.Result> use) {
    requireFits(batch.inputs(), batch.target());
    requireOneEach(batch.target(), batch.weights());
    try (NDManager scope = held.newSubManager()) {
      Wanted wanted = wanted(batch.target(), batch.weights(), loss, scope);
      var found = pass.run(forward, onDevice(batch.inputs(), scope), wanted, scope);
      use.accept(found);
      return found.loss().getDouble();
    } finally {
      Reference.reachabilityFence(batch); // a value may be a view of an input's memory
    }
  }

  @Override
  public Optional<DeviceOptimizer> optimizer(DeviceOptimizer.Request request) {
    return Optional.of(torchOptimizer(request));
  }

  TorchOptimizer torchOptimizer(DeviceOptimizer.Request request) {
    return new TorchOptimizer(request, new OnDevice(), held.newSubManager());
  }

  /** The trained weights where they are. */
  private final class OnDevice implements TorchOptimizer.Trained {
    @Override
    public List<String> names() {
      return trained;
    }

    @Override
    public NDArray value(String name) {
      return weights.get(name, held);
    }

    @Override
    public double gradients(DeviceOptimizer.Batch batch, Consumer<Map<String, NDArray>> use) {
      return run(batch, found -> use.accept(found.ofWeights()));
    }
  }

  /**
   * A target that does not fit would be broadcast.
   *
   * @throws GraphException if it or an input does not fit
   */
  private void requireFits(Map<String, Tensor> given, Tensor target) {
    var shapes = new HashMap<String, long[]>();
    given.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    long[] expected = program.shapes(shapes).get(program.outputs().get(0));
    if (!Arrays.equals(expected, target.shape())) {
      throw new GraphException(
          "%s: target: expected %s, found %s"
              .formatted(program.name(), Arrays.toString(expected), target));
    }
  }

  private void requireOneEach(Tensor target, Tensor weights) {
    if (!Arrays.equals(weights.shape(), new long[] {target.shape()[0]})) {
      throw new GraphException(
          "%s: weights of examples: expected [%d], found %s"
              .formatted(program.name(), target.shape()[0], weights));
    }
  }

  private static Wanted wanted(Tensor target, Tensor weights, Loss loss, NDManager scope) {
    long[] shape = new long[target.shape().length];
    Arrays.fill(shape, 1);
    shape[0] = target.shape()[0];
    return new Wanted(
        HostTensors.toDevice(target, scope),
        HostTensors.toDevice(weights.reshape(shape), scope),
        loss.pseudoHuber().isPresent() ? "huber" : "mse",
        loss.pseudoHuber().stream()
            .mapToObj(c -> HostTensors.toDevice(Tensor.ofFloats(new float[] {(float) c}), scope))
            .toList());
  }

  /** How many tensors this holds, views of weights and what is being brought included. */
  int heldTensors() {
    weights.awaitBrought();
    return held.getManagedArrays().size();
  }

  @Override
  public void close() {
    weights.close();
    module.close();
    held.close();
  }
}
