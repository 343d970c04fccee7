package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.reference.OperationContractTest;
import io.github.tpdiff.weights.DType;
import org.junit.jupiter.api.Nested;

/**
 * Every operation at every precision against fp32; of bf16 and fp16, which a CPU computes in fp32
 * and rounds where they are made, with both kinds of attention.
 */
class PrecisionOperationsTest {
  private abstract static class Contract extends OperationContractTest {
    private final Precision precision;
    private final OnnxFlavour flavour;
    private final double tolerance;

    Contract(Precision precision, OnnxFlavour flavour, double tolerance) {
      this.precision = precision;
      this.flavour = flavour;
      this.tolerance = tolerance;
    }

    @Override
    protected Engine openEngine() {
      return OnnxEngine.on(OnnxDevice.CPU, flavour).computing(precision);
    }

    @Override
    protected double tolerance(DType stored) {
      return tolerance;
    }
  }

  /** Operands and results of a product are rounded to 8 bits of mantissa: 2e-3 each. */
  @Nested
  class Bf16 extends Contract {
    Bf16() {
      super(Precision.BF16, OnnxFlavour.FUSED, 1e-2);
    }
  }

  @Nested
  class Bf16OfStandardOperators extends Contract {
    Bf16OfStandardOperators() {
      super(Precision.BF16, OnnxFlavour.STANDARD, 1e-2);
    }
  }

  /** To 11 bits: 2.4e-4 each. */
  @Nested
  class Fp16 extends Contract {
    Fp16() {
      super(Precision.FP16, OnnxFlavour.FUSED, 1.25e-3);
    }
  }

  @Nested
  class Fp16OfStandardOperators extends Contract {
    Fp16OfStandardOperators() {
      super(Precision.FP16, OnnxFlavour.STANDARD, 1.25e-3);
    }
  }

  /** A weight is off by at most 1/254 of the largest of its row. */
  @Nested
  class Int8 extends Contract {
    Int8() {
      super(Precision.INT8, OnnxFlavour.FUSED, 1e-2);
    }
  }

  /** A weight is off by at most 1/16 of itself. */
  @Nested
  class Fp8 extends Contract {
    Fp8() {
      super(Precision.FP8, OnnxFlavour.FUSED, 5e-2);
    }
  }
}
