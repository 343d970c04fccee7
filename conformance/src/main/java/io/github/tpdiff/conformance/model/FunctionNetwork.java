package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.diffusion.Denoiser;
import io.github.tpdiff.runtime.diffusion.Latents;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A function of the sample and the timestep in place of a network, as cases of schedulers have it.
 */
final class FunctionNetwork {
  private static final Pattern FUNCTION =
      Pattern.compile(
          "tanh\\(\\s*([0-9.eE+-]+)\\s*\\*\\s*x\\s*\\+\\s*t\\s*/\\s*([0-9.eE+-]+)\\s*\\)");

  private FunctionNetwork() {}

  static Denoiser.Prediction of(String function) {
    Matcher matcher = FUNCTION.matcher(function);
    if (!matcher.matches()) {
      throw new CaseException(
          "args.function: expected tanh(NUMBER*x + t/NUMBER), found " + function);
    }
    double factor = Double.parseDouble(matcher.group(1));
    double period = Double.parseDouble(matcher.group(2));
    return (x, timestep) -> {
      float[] velocity = new float[x.data().length];
      for (int i = 0; i < velocity.length; i++) {
        velocity[i] = (float) Math.tanh(factor * x.data()[i] + timestep / period);
      }
      return Latents.of(x.shape(), velocity);
    };
  }
}
