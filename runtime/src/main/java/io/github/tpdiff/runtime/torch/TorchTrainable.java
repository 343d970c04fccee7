package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.torch.BackwardPlan.Version;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import io.github.tpdiff.weights.TensorSource;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Trains with gradient checkpointing: the forward pass keeps only the values between segments, the
 * backward pass runs one segment at a time again with autograd (Chen et al. 2016, "Training Deep
 * Nets with Sublinear Memory Cost"). Costs one more forward pass of the segments on the gradient's
 * path; activations of one segment are in memory at a time.
 */
final class TorchTrainable implements Trainable {
  private final Program program;
  private final Map<String, Value> inputs;
  private final List<String> trained;
  private final NDManager held;
  private final List<Segment> segments;
  private final BackwardPlan plan;
  private final List<String> gradientMethods = new ArrayList<>();
  private final TorchModule module;
  private final TorchWeights weights;
  private final SegmentCalls calls;

  TorchTrainable(TensorSource source, BackwardPlan plan, Arithmetic arithmetic, NDManager held) {
    this.program = plan.program();
    this.inputs = program.inputs();
    this.trained = plan.trained();
    this.plan = plan;
    this.held = held;
    var script =
        new TorchScriptWriter(
            program,
            name -> !trained.contains(name) && TorchWeights.isBf16(source, name),
            arithmetic);
    this.segments = script.segments();
    for (int i = 0; i < segments.size(); i++) {
      gradientMethods.add(
          plan.step(i).isEmpty()
              ? ""
              : script.method("grad", GradientMethod.body(segments.get(i), plan.step(i))));
    }
    this.module = new TorchModule(script.source(), held);
    this.weights = new TorchWeights(source, module, held);
    this.calls = new SegmentCalls(segments, module, weights, held);
    for (String name : trained) {
      long[] shape = shape(name);
      weights.replace(name, HostTensors.copy(Tensor.ofFloats(source.floats(name), shape), held));
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
    try (NDManager scope = held.newSubManager()) {
      var values = forward(given, Set.of(plan.output()), scope);
      return mse(values, target, scope);
    } finally {
      Reference.reachabilityFence(given);
    }
  }

  @Override
  public Tensor predict(Map<String, Tensor> given) {
    try (NDManager scope = held.newSubManager()) {
      var values = forward(given, Set.of(plan.output()), scope);
      return HostTensors.toHost(Objects.requireNonNull(values.get(plan.output())));
    } finally {
      Reference.reachabilityFence(given);
    }
  }

  @Override
  public Gradients gradients(Map<String, Tensor> given, Tensor target) {
    try (NDManager scope = held.newSubManager()) {
      var values = forward(given, plan.read(i -> !plan.step(i).isEmpty()), scope);
      double loss = mse(values, target, scope);
      NDArray output = Objects.requireNonNull(values.get(plan.output()));
      Tensor prediction = HostTensors.toHost(output);
      NDArray wanted = HostTensors.toDevice(target, scope);
      NDArray upstream =
          module.call("mse_grad", List.of(output, wanted), Mode.NO_GRAD, scope).get(0);
      var found = backward(values, upstream, scope);
      var gradients = new LinkedHashMap<String, Tensor>();
      trained.forEach(
          name -> gradients.put(name, HostTensors.toHost(Objects.requireNonNull(found.get(name)))));
      return new Gradients(loss, prediction, gradients);
    } finally {
      Reference.reachabilityFence(given); // a value may be a view of an input's memory
    }
  }

  private double mse(Map<Version, NDArray> values, Tensor target, NDManager scope) {
    NDArray prediction = Objects.requireNonNull(values.get(plan.output()));
    if (!Arrays.equals(prediction.getShape().getShape(), target.shape())) {
      throw new GraphException(
          "%s: target: expected %s, found %s"
              .formatted(program.name(), prediction.getShape(), target));
    }
    NDArray wanted = HostTensors.toDevice(target, scope);
    return module.call("mse", List.of(prediction, wanted), Mode.NO_GRAD, scope).get(0).getDouble();
  }

  /**
   * Runs all segments without autograd; what is neither read again nor in {@code keep} is freed.
   */
  private Map<Version, NDArray> forward(
      Map<String, Tensor> given, Set<Version> keep, NDManager scope) {
    var values = new HashMap<Version, NDArray>();
    HostTensors.toDevice(program.name(), inputs, given, scope)
        .forEach((name, array) -> values.put(new Version(name, -1), array));
    for (int i = 0; i < segments.size(); i++) {
      int index = i;
      calls
          .run(segments.get(i), inputsOf(i, values), Mode.NO_GRAD, scope)
          .forEach((name, array) -> values.put(new Version(name, index), array));
      Set<Version> later = plan.read(segment -> segment > index);
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

  private Map<String, NDArray> inputsOf(int segment, Map<Version, NDArray> values) {
    var arrays = new HashMap<String, NDArray>();
    for (String name : segments.get(segment).inputs()) {
      NDArray array = values.get(plan.source(segment, name));
      if (array != null) {
        arrays.put(name, array);
      }
    }
    return arrays;
  }

  /** Gradients of the trained weights, from the last segment to the first. */
  private Map<String, NDArray> backward(
      Map<Version, NDArray> values, NDArray upstream, NDManager scope) {
    var ofValues = new HashMap<Version, NDArray>(Map.of(plan.output(), upstream));
    var ofWeights = new HashMap<String, NDArray>();
    for (int i = segments.size() - 1; i >= 0; i--) {
      BackwardPlan.Step step = plan.step(i);
      if (!step.isEmpty()) {
        List<NDArray> results = gradientsOf(i, values, ofValues, scope);
        int next = 0;
        for (String input : step.inputs()) {
          ofValues.merge(plan.source(i, input), results.get(next++), TorchTrainable::sum);
        }
        for (String weight : step.weights()) {
          ofWeights.merge(weight, results.get(next++), TorchTrainable::sum);
        }
      }
      for (String name : segments.get(i).outputs()) {
        free(ofValues, new Version(name, i));
        free(values, new Version(name, i));
      }
    }
    return ofWeights;
  }

  private List<NDArray> gradientsOf(
      int i, Map<Version, NDArray> values, Map<Version, NDArray> upstream, NDManager scope) {
    Segment segment = segments.get(i);
    try (NDManager copies = held.newSubManager()) {
      var arguments = calls.arguments(segment, inputsOf(i, values), copies);
      for (String output : plan.step(i).outputs()) {
        arguments.add(Objects.requireNonNull(upstream.get(new Version(output, i))));
      }
      return module.call(gradientMethods.get(i), arguments, Mode.GRAD, scope);
    }
  }

  /** Not in place: autograd may give one tensor as the gradient of two inputs. */
  private static NDArray sum(NDArray a, NDArray b) {
    NDArray sum = a.add(b);
    a.close();
    b.close();
    return sum;
  }

  private static void free(Map<Version, NDArray> values, Version version) {
    NDArray array = values.remove(version);
    if (array != null) {
      array.close();
    }
  }

  /** How many tensors this holds, views of weights included. */
  int heldTensors() {
    return held.getManagedArrays().size();
  }

  @Override
  public void close() {
    module.close();
    held.close();
  }
}
