package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.torch.Arithmetic;
import picocli.CommandLine.Option;

/** In which numbers torch computes. */
public final class ComputeOption {
  @Option(
      names = "--compute",
      defaultValue = "fp32",
      description =
          "fp32, or bf16 for matrix products, convolutions and attention on torch: many times as"
              + " fast on a GPU, slower on most CPUs (default ${DEFAULT-VALUE}).")
  private Arithmetic arithmetic = Arithmetic.FP32;

  public Arithmetic arithmetic() {
    return arithmetic;
  }
}
