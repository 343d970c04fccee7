package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import java.util.Optional;
import java.util.OptionalInt;

/** In which numbers a method gets a weight. */
enum WeightForm {
  /** Numbers that PyTorch knows as such. */
  NUMBERS(OptionalInt.empty()),
  /** The bits of BF16 numbers under the name of F16, because DJL wraps no BF16 memory. */
  BF16(OptionalInt.of(15)),
  /** Codes of E4M3 numbers as bytes, which DJL has no name for, and a scale for each row. */
  E4M3(OptionalInt.of(24)),
  /** Likewise of E5M2. */
  E5M2(OptionalInt.of(23));

  private final OptionalInt type;

  WeightForm(OptionalInt type) {
    this.type = type;
  }

  /** That of a weight as {@link TorchWeights} holds it. */
  static WeightForm of(TensorSource source, String name) {
    return source
        .scaled(name)
        .flatMap(codes -> ofCodes(codes.info().dtype()))
        .orElse(source.require(name).dtype() == DType.BF16 ? BF16 : NUMBERS);
  }

  private static Optional<WeightForm> ofCodes(DType dtype) {
    return switch (dtype) {
      case F8_E4M3 -> Optional.of(E4M3);
      case F8_E5M2 -> Optional.of(E5M2);
      default -> Optional.empty();
    };
  }

  /** Whether scales follow the weights in the method's list. */
  boolean isScaled() {
    return this == E4M3 || this == E5M2;
  }

  /**
   * The expression of what is held as numbers, not multiplied by scales: in a small copy, because
   * methods are loaded without the view of bits.
   */
  String numbers(String held) {
    return type.isPresent()
        ? "torch.view_copy(%s, dtype=%s)".formatted(held, type.getAsInt())
        : held;
  }
}
