package io.github.tpdiff.conformance.numerics;

import io.github.tpdiff.conformance.golden.AdamWArguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.optim.Optimizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kind {@code adamw}: parameters after every step from given gradients, clipped where asked. */
public final class AdamWCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      float[] parameters = golden.tensors().floats(run.inputName("initial"));
      float[] gradients = golden.tensors().floats(run.inputName("gradients"));
      int size = parameters.length;
      int steps = gradients.length / size;
      AdamWArguments settings = AdamWArguments.of(run.args());
      var trained = Map.of("p", new Parameter(List.of((long) size), parameters));
      Optimizer optimizer = Optimizer.fresh(settings.adamW(), trained);
      Optional<Double> limit = run.args().findNumber("max_grad_norm");
      var trajectory = new float[gradients.length];
      var norms = new double[steps];
      for (int step = 0; step < steps; step++) {
        float[] gradient = Arrays.copyOfRange(gradients, step * size, (step + 1) * size);
        norms[step] =
            limit.isPresent()
                ? GradientNorm.clip(List.of(gradient), limit.get())
                : GradientNorm.of(List.of(gradient));
        optimizer.step(trained, Map.of("p", gradient), name -> settings.learningRate());
        System.arraycopy(parameters, 0, trajectory, step * size, size);
      }
      checks.compare(run.prefix() + "params", Values.widened(trajectory));
      if (run.expects("norm_before_clipping")) {
        checks.compare(run.prefix() + "norm_before_clipping", norms);
      }
    }
  }
}
