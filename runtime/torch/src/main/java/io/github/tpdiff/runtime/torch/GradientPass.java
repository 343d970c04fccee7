package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.GradientPaths.Version;
import io.github.tpdiff.runtime.graph.Products;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Forward and backward for one batch. The forward pass keeps the values between segments, and of as
 * many segments as {@link Keeping} says what their products made; the backward pass goes back one
 * segment at a time and makes again what was not kept (Chen et al. 2016, "Training Deep Nets with
 * Sublinear Memory Cost").
 */
final class GradientPass {
  /**
   * What both give.
   *
   * @param prediction the program's output
   * @param loss of it
   * @param ofWeights gradients of the loss, one for each trained weight, by name
   */
  record Result(NDArray prediction, NDArray loss, Map<String, NDArray> ofWeights) {}

  /**
   * What the output is compared with.
   *
   * @param target in its shape
   * @param weights of the examples' errors, in as many dimensions: [examples, 1, …]
   * @param loss by the name of its method, and the numbers that it takes
   */
  record Wanted(NDArray target, NDArray weights, String loss, List<NDArray> numbers) {
    Wanted {
      numbers = List.copyOf(numbers);
    }

    /** The loss of a prediction. */
    NDArray of(NDArray prediction, TorchModule module, NDManager scope) {
      return call(loss, prediction, module, scope);
    }

    /** The gradient of the loss at a prediction. */
    NDArray gradient(NDArray prediction, TorchModule module, NDManager scope) {
      return call(loss + "_grad", prediction, module, scope);
    }

    private NDArray call(String method, NDArray prediction, TorchModule module, NDManager scope) {
      var arguments = new ArrayList<>(List.of(prediction, target, weights));
      arguments.addAll(numbers);
      return module.call(method, arguments, Mode.NO_GRAD, scope).get(0);
    }
  }

  /**
   * The methods of a segment that gradients come by.
   *
   * @param keeps products of which something is left for the backward pass
   * @param forward the method that gives the outputs and what is left
   * @param again the method that gives what is left alone
   * @param backward the method that takes it
   */
  private record Methods(Set<Value> keeps, String forward, String again, String backward) {}

  private final GradientPaths paths;
  private final Keeping keeping;

  /** One for each segment, null where gradients do not come by. */
  private final Map<Integer, Methods> methods = new HashMap<>();

  /**
   * Adds its methods to {@code script}.
   *
   * @param attentionPasses whether attention has formulas of its own on the device
   */
  GradientPass(
      GradientPaths paths, TorchScriptWriter script, Keeping keeping, boolean attentionPasses) {
    this.paths = paths;
    this.keeping = keeping;
    for (int i = 0; i < script.segments().size(); i++) {
      var gradients = paths.of(i);
      if (!gradients.isEmpty()) {
        var products =
            Products.of(
                script.segments().get(i).graph(),
                paths.reached(i),
                gradients.outputs(),
                attentionPasses);
        methods.put(i, methods(i, script, products));
      }
    }
  }

  private Methods methods(int segment, TorchScriptWriter script, Products products) {
    Set<Value> keeps = products.worthKeeping();
    var outputs = products.graph().outputs().values();
    return new Methods(
        keeps,
        script.method("keep", script.writer(segment).write(outputs, keeps)),
        script.method("again", script.writer(segment).write(List.of(), keeps)),
        script.method(
            "back",
            BackwardMethod.body(products, paths.of(segment), keeps, script.writer(segment))));
  }

  /**
   * Runs both.
   *
   * @param forward the loaded program
   * @param inputs of the program
   * @param wanted what its output is compared with
   * @param scope that the results belong to
   */
  Result run(ForwardPass forward, Map<String, NDArray> inputs, Wanted wanted, NDManager scope) {
    var kept = new HashMap<Integer, List<NDArray>>();
    Keeping.Budget budget = keeping.budget();
    var values =
        forward.run(
            inputs,
            paths.read(methods::containsKey),
            (segment, arguments) -> {
              Methods own = methods.get(segment);
              Segment graph = forward.segments().get(segment);
              if (own == null || !budget.allows(graph.graph(), own.keeps(), arguments)) {
                return forward.calls().run(graph, arguments, Mode.NO_GRAD, scope);
              }
              var results =
                  forward.calls().run(graph, own.forward(), arguments, Mode.NO_GRAD, scope);
              kept.put(segment, results.subList(graph.outputs().size(), results.size()));
              return results;
            });
    NDArray output = Objects.requireNonNull(values.get(paths.output()));
    NDArray loss = wanted.of(output, forward.module(), scope);
    NDArray upstream = wanted.gradient(output, forward.module(), scope);
    return new Result(output, loss, new Backward(forward, values, kept, scope).from(upstream));
  }

  /** One batch's way back. */
  private final class Backward {
    private final ForwardPass forward;
    private final Map<Version, NDArray> values;
    private final Map<Integer, List<NDArray>> kept;
    private final NDManager scope;
    private final Map<Version, NDArray> ofValues = new HashMap<>();

    /**
     * @param values that the segments read; freed as soon as they are not needed
     * @param kept of products, by segment, likewise
     */
    Backward(
        ForwardPass forward,
        Map<Version, NDArray> values,
        Map<Integer, List<NDArray>> kept,
        NDManager scope) {
      this.forward = forward;
      this.values = values;
      this.kept = kept;
      this.scope = scope;
    }

    /** Gradients of the trained weights, from the last segment to the first. */
    Map<String, NDArray> from(NDArray upstream) {
      ofValues.put(paths.output(), upstream);
      var ofWeights = new HashMap<String, NDArray>();
      for (int i = forward.segments().size() - 1; i >= 0; i--) {
        if (methods.containsKey(i)) {
          forward.calls().enter(i, after(i));
          GradientPaths.SegmentGradients gradients = paths.of(i);
          List<NDArray> results = gradientsOf(i);
          int next = 0;
          for (String input : gradients.inputs()) {
            ofValues.merge(paths.source(i, input), results.get(next++), GradientPass::sum);
          }
          for (String weight : gradients.weights()) {
            ofWeights.merge(weight, results.get(next++), GradientPass::sum);
          }
        }
        for (String name : forward.segments().get(i).outputs()) {
          var version = new Version(name, i);
          free(ofValues, version);
          if (!version.equals(paths.output())) {
            free(values, version);
          }
        }
      }
      return ofWeights;
    }

    /** The segment to go back through after {@code i}, or that with which the next pass goes on. */
    private int after(int i) {
      int on = i == 0 && forward.segments().size() > 1 ? 1 : 0;
      return methods.keySet().stream().filter(j -> j < i).max(Integer::compare).orElse(on);
    }

    private List<NDArray> gradientsOf(int i) {
      Segment segment = forward.segments().get(i);
      Methods own = Objects.requireNonNull(methods.get(i));
      List<NDArray> keepsakes = List.of();
      try (NDManager copies = scope.newSubManager()) {
        Map<String, NDArray> read = forward.waiting().fetch(forward.inputsOf(i, values), copies);
        keepsakes = own.keeps().isEmpty() ? List.of() : keepsakes(i, own, read);
        var arguments = forward.calls().arguments(segment, read, copies);
        arguments.addAll(keepsakes);
        for (String output : paths.of(i).outputs()) {
          arguments.add(Objects.requireNonNull(ofValues.get(new Version(output, i))));
        }
        return forward.module().call(own.backward(), arguments, Mode.GRAD, scope);
      } finally {
        keepsakes.forEach(NDArray::close);
      }
    }

    /** What was kept of a segment's products, else made again. */
    private List<NDArray> keepsakes(int i, Methods own, Map<String, NDArray> read) {
      Segment segment = forward.segments().get(i);
      return Optional.ofNullable(kept.remove(i))
          .orElseGet(() -> forward.calls().run(segment, own.again(), read, Mode.NO_GRAD, scope));
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
}
