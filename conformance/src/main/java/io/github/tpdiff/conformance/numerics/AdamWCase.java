package io.github.tpdiff.conformance.numerics;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.optim.Optimizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Kind {@code adamw}: parameters after every step from given gradients, clipped where asked. */
public final class AdamWCase implements CaseKind.Plain {
  @Override
  public void check(GoldenCase golden, Checks checks) {
    for (GoldenRun run : golden.runs()) {
      float[] parameters = golden.tensors().floats(run.inputName("initial"));
      float[] gradients = golden.tensors().floats(run.inputName("gradients"));
      int size = parameters.length;
      int steps = gradients.length / size;
      var trained = Map.of("p", new Parameter(List.of((long) size), parameters));
      Optimizer optimizer = settings(run).fresh(trained);
      var trajectory = new float[gradients.length];
      var norms = new double[steps];
      for (int step = 0; step < steps; step++) {
        float[] gradient = Arrays.copyOfRange(gradients, step * size, (step + 1) * size);
        JsonNode limit = run.args().path("max_grad_norm");
        norms[step] =
            limit.isNumber()
                ? GradientNorm.clip(List.of(gradient), limit.asDouble())
                : GradientNorm.of(List.of(gradient));
        optimizer.step(trained, Map.of("p", gradient), run.arg("lr").asDouble());
        System.arraycopy(parameters, 0, trajectory, step * size, size);
      }
      checks.compare(run.prefix() + "params", Values.widened(trajectory));
      if (run.expects("norm_before_clipping")) {
        checks.compare(run.prefix() + "norm_before_clipping", norms);
      }
    }
  }

  private static AdamW.Settings settings(GoldenRun run) {
    JsonNode args = run.args();
    return new AdamW.Settings(
        args.path("betas").path(0).asDouble(0.9),
        args.path("betas").path(1).asDouble(0.999),
        args.path("eps").asDouble(1e-8),
        args.path("weight_decay").asDouble(0.01));
  }
}
