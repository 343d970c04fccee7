package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.torch.GradientPaths.Version;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Keeps only the values between segments; the backward pass runs one segment at a time again with
 * autograd. Costs one more forward pass of the segments on the gradient's path; activations of one
 * segment are in memory at a time.
 */
final class CheckpointedPass implements GradientPass {
  private final GradientPaths paths;

  /** One for each segment, empty where the backward pass does not come by. */
  private final List<String> methods = new ArrayList<>();

  /** Adds its methods to {@code script}. */
  CheckpointedPass(GradientPaths paths, TorchScriptWriter script) {
    this.paths = paths;
    for (int i = 0; i < script.segments().size(); i++) {
      methods.add(
          paths.of(i).isEmpty()
              ? ""
              : script.method("grad", GradientMethod.body(script.segments().get(i), paths.of(i))));
    }
  }

  @Override
  public Result run(
      ForwardPass forward, Map<String, NDArray> inputs, Wanted wanted, NDManager scope) {
    var values = forward.run(inputs, paths.read(i -> !paths.of(i).isEmpty()), scope);
    NDArray output = Objects.requireNonNull(values.get(paths.output()));
    Tensor prediction = HostTensors.toHost(output);
    NDArray upstream =
        forward
            .module()
            .call(
                "mse_grad", List.of(output, wanted.target(), wanted.weights()), Mode.NO_GRAD, scope)
            .get(0);
    return new Result(prediction, new Backward(forward, values, scope).from(upstream));
  }

  /** One batch's way back. */
  private final class Backward {
    private final ForwardPass forward;
    private final Map<Version, NDArray> values;
    private final NDManager scope;
    private final Map<Version, NDArray> ofValues = new HashMap<>();

    /**
     * @param values that the segments read; freed as soon as they are not needed
     */
    Backward(ForwardPass forward, Map<Version, NDArray> values, NDManager scope) {
      this.forward = forward;
      this.values = values;
      this.scope = scope;
    }

    /** Gradients of the trained weights, from the last segment to the first. */
    Map<String, NDArray> from(NDArray upstream) {
      ofValues.put(paths.output(), upstream);
      var ofWeights = new HashMap<String, NDArray>();
      for (int i = methods.size() - 1; i >= 0; i--) {
        GradientPaths.SegmentGradients gradients = paths.of(i);
        if (!gradients.isEmpty()) {
          List<NDArray> results = gradientsOf(i);
          int next = 0;
          for (String input : gradients.inputs()) {
            ofValues.merge(paths.source(i, input), results.get(next++), CheckpointedPass::sum);
          }
          for (String weight : gradients.weights()) {
            ofWeights.merge(weight, results.get(next++), CheckpointedPass::sum);
          }
        }
        for (String name : forward.segments().get(i).outputs()) {
          free(ofValues, new Version(name, i));
          free(values, new Version(name, i));
        }
      }
      return ofWeights;
    }

    private List<NDArray> gradientsOf(int i) {
      Segment segment = forward.segments().get(i);
      try (NDManager copies = scope.newSubManager()) {
        var arguments = forward.calls().arguments(segment, forward.inputsOf(i, values), copies);
        for (String output : paths.of(i).outputs()) {
          arguments.add(Objects.requireNonNull(ofValues.get(new Version(output, i))));
        }
        return forward.module().call(methods.get(i), arguments, Mode.GRAD, scope);
      }
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
