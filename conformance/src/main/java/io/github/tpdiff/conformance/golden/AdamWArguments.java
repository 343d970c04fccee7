package io.github.tpdiff.conformance.golden;

import io.github.tpdiff.runtime.optim.AdamW;
import java.util.List;

/**
 * What a case says about AdamW; what it does not say is as PyTorch has it.
 *
 * @param learningRate of every step
 * @param adamW the rest
 */
public record AdamWArguments(double learningRate, AdamW adamW) {

  /** Of {@code lr}, {@code betas}, {@code eps} and {@code weight_decay}. */
  public static AdamWArguments of(Arguments args) {
    List<Double> betas = args.findNumbers("betas").orElse(List.of(0.9, 0.999));
    if (betas.size() != 2) {
      throw new CaseException(args + ": betas: expected two numbers, found " + betas.size());
    }
    return new AdamWArguments(
        args.number("lr"),
        new AdamW(
            betas.get(0),
            betas.get(1),
            args.findNumber("eps").orElse(1e-8),
            args.findNumber("weight_decay").orElse(0.01)));
  }
}
