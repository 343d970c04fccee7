package io.github.tpdiff.runtime.onnx;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.weights.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * In which numbers a component's products (linear layers, convolutions, attention) are stored and
 * computed. What lies between them is fp32 in all: norms, softmax, rotations, the residual stream,
 * and the embedding of the time with its weights. Inputs and outputs of graphs are fp32 too.
 */
public enum Precision {
  /** Stored as in the checkpoint, scaled eight-bit floats included; computed in fp32. */
  KEEP(DType.F32, 1e-4, "weights as in the checkpoint, computed in fp32"),
  /** Stored and computed in fp32. */
  FP32(DType.F32, 1e-4, "fp32"),
  /** Stored and computed in bf16; a CPU computes in fp32 and rounds. */
  BF16(DType.BF16, 5e-2, "layers and attention stored and computed in bf16, all else in fp32"),
  /** Stored and computed in fp16, whose largest number is 65,504; likewise. */
  FP16(DType.F16, 1e-2, "layers and attention stored and computed in fp16, all else in fp32"),
  /** Stored as integers of eight bits with a scale for each output channel, computed in fp32. */
  INT8(
      DType.F32,
      5e-2,
      "weights of layers as int8 with a scale for each output channel, computed in fp32"),
  /** Stored as E4M3 with a scale for each output channel, computed in fp32. */
  FP8(
      DType.F32,
      1e-1,
      "weights of layers as fp8 (E4M3) with a scale for each output channel, computed in fp32");

  private final DType products;
  private final double tolerance;
  private final String meaning;

  Precision(DType products, double tolerance, String meaning) {
    this.products = products;
    this.tolerance = tolerance;
    this.meaning = meaning;
  }

  /** The type that products are computed in: F32, BF16 or F16. */
  DType products() {
    return products;
  }

  /**
   * The largest error that passes as rounding: max|other − fp32| over max|fp32|, of a component on
   * the same inputs.
   */
  public double tolerance() {
    return tolerance;
  }

  /** In words, of the layers of a component. */
  String meaning() {
    return meaning;
  }

  /** What users call it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The one of that name.
   *
   * @throws IllegalArgumentException naming those there are
   */
  public static Precision of(String word) {
    var found = Arrays.stream(values()).filter(value -> value.word().equals(word)).findFirst();
    checkArgument(
        found.isPresent(),
        "precision: expected one of %s, found '%s'",
        Arrays.stream(values()).map(Precision::word).collect(Collectors.joining(", ")),
        word);
    return found.get();
  }
}
