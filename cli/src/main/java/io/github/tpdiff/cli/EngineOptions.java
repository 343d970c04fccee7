package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.onnx.OnnxException;
import io.github.tpdiff.runtime.torch.Arithmetic;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Which engine runs a model, and where. */
public final class EngineOptions {
  /** Engines by name. */
  enum Kind {
    TORCH,
    ONNX
  }

  @Option(
      names = "--engine",
      defaultValue = "torch",
      description = "torch or onnx (default ${DEFAULT-VALUE}).")
  private Kind kind = Kind.TORCH;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu or cuda; auto takes CUDA where it works (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.AUTO;

  /**
   * Opens the engine, computing in fp32.
   *
   * @throws IllegalArgumentException if the device cannot be used, saying why
   */
  public Engine open() {
    return kind == Kind.TORCH ? openTorch() : openOnnx();
  }

  /**
   * Opens the engine.
   *
   * @throws IllegalArgumentException if the device cannot be used, saying why, or the engine does
   *     not compute so
   */
  public Engine open(ComputeOption compute) {
    if (compute.arithmetic() == Arithmetic.FP32) {
      return open();
    }
    if (kind == Kind.ONNX) {
      throw new IllegalArgumentException(
          "--compute: expected fp32 with --engine onnx, found "
              + compute.arithmetic().name().toLowerCase(Locale.ROOT));
    }
    return openTorch().computing(compute.arithmetic());
  }

  /** The same on the torch engine, which alone trains. */
  public TorchEngine openTorch() {
    return openTorch(device);
  }

  /** The same on ONNX Runtime, which alone opens exported folders. */
  OnnxEngine openOnnx() {
    return openOnnx(device);
  }

  /**
   * Opens ONNX Runtime.
   *
   * @throws IllegalArgumentException if the device cannot be used, saying why
   */
  public static OnnxEngine openOnnx(OnnxDevice device) {
    try {
      return OnnxEngine.on(device);
    } catch (OnnxException unusable) {
      throw new IllegalArgumentException("--device: " + unusable.getMessage(), unusable);
    }
  }

  /**
   * Opens PyTorch.
   *
   * @throws IllegalArgumentException if the device cannot be used, saying why
   */
  public static TorchEngine openTorch(OnnxDevice device) {
    try {
      return switch (device) {
        case CPU -> TorchEngine.cpu();
        case CUDA -> TorchEngine.cuda();
        case AUTO -> TorchEngine.best();
      };
    } catch (IllegalStateException unusable) {
      throw new IllegalArgumentException("--device: " + unusable.getMessage(), unusable);
    }
  }
}
