package io.github.tpdiff.runtime.onnx;

import com.google.common.collect.Sets;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.Quantization;
import io.github.tpdiff.weights.ScaledCodes;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.Optional;
import java.util.Set;

/**
 * How each weight of a component is stored.
 *
 * @param products names of those that the precision speaks of; others are stored as they are
 * @param inF32 names of those that are F32 whatever the precision
 */
record WeightPlan(Precision precision, Set<String> products, Set<String> inF32) {
  static WeightPlan of(Program program, Precision precision) {
    return new WeightPlan(precision, ReducedProducts.of(program).weights(), Set.of());
  }

  /** The same with some weights in F32, such as those that are replaced at run time. */
  WeightPlan keepingF32(Set<String> names) {
    return new WeightPlan(precision, Sets.difference(products, names), names);
  }

  /** The weights as products see them. */
  TensorSource applied(TensorSource weights) {
    return switch (precision) {
      case INT8 -> weights.quantized(products, Quantization.I8_ROWS);
      case FP8 -> weights.quantized(products, Quantization.E4M3_ROWS);
      case KEEP, FP32, BF16, FP16 -> weights;
    };
  }

  /** The codes that a weight is stored as, if it is. */
  Optional<ScaledCodes> codes(TensorSource applied, String name) {
    boolean coded =
        switch (precision) {
          case KEEP, INT8, FP8 -> products.contains(name);
          case FP32, BF16, FP16 -> false;
        };
    return coded ? applied.scaled(name) : Optional.empty();
  }

  /** The type of numbers that any other weight is stored in. */
  DType dtype(TensorInfo info) {
    if (inF32.contains(info.name())) {
      return DType.F32;
    }
    DType found = StoredWeight.isTakenAsIs(info.dtype()) ? info.dtype() : DType.F32;
    return switch (precision) {
      case FP32 -> DType.F32;
      case BF16, FP16 -> products.contains(info.name()) ? precision.products() : found;
      case KEEP, INT8, FP8 -> found;
    };
  }
}
