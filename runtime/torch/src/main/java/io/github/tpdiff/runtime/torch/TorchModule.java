package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** A loaded TorchScript class whose methods map a list of tensors to another. */
final class TorchModule implements AutoCloseable {
  /** What a call's results may be used for. */
  enum Mode {
    /** They never meet autograd; the fastest. */
    INFERENCE,
    /** No graph is recorded, but they may become inputs of calls that record one. */
    NO_GRAD,
    /** Operations on tensors that require gradients are recorded. */
    GRAD
  }

  private final PtSymbolBlock block;

  /** Loads the class into memory of {@code manager}'s device. */
  TorchModule(String source, NDManager manager) {
    byte[] archive = ScriptArchive.of(TorchScriptWriter.CLASS, source);
    try {
      this.block =
          JniUtils.loadModule(
              (PtNDManager) manager, new ByteArrayInputStream(archive), false, false);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** Calls a method; the results belong to {@code scope}. */
  List<NDArray> call(String method, List<NDArray> arguments, Mode mode, NDManager scope) {
    // PyTorch keeps these settings for each thread. Without optimisation a method runs as written,
    // with no profiling runs and no compilation for each new shape.
    JniUtils.setGraphExecutorOptimize(false);
    boolean before = JniUtils.isGradMode();
    JniUtils.setGradMode(mode == Mode.GRAD);
    // DJL reads the method from an array's name and gives results to the first array's manager.
    try (NDArray selector = scope.create(0f)) {
      selector.setName("module_method:" + method);
      var list = new NDList(selector);
      for (NDArray argument : arguments) {
        argument.setName("v[]");
        list.add(argument);
      }
      if (arguments.isEmpty()) {
        NDArray placeholder = scope.create(0f);
        placeholder.setName("v[]");
        list.add(placeholder);
      }
      return IValueUtils.forward(block, list, mode != Mode.INFERENCE);
    } finally {
      JniUtils.setGradMode(before);
    }
  }

  /**
   * The elements of a file from its start to the region's end, mapped, as an array of {@code
   * scope}.
   */
  NDArray mapFile(FileRegion region, DType dtype, NDManager scope) {
    long count = (region.offset() + region.length()) / dtype.bytes();
    try (IValue path = IValue.from(region.file().toString());
        IValue size = IValue.from(count);
        IValue type = IValue.from(code(dtype));
        IValue result =
            IValueUtils.runMethod(block, TorchScriptWriter.MAP_FILE, path, size, type)) {
      return result.toTensor((PtNDManager) scope);
    }
  }

  /** PyTorch's number of an element type, as {@link TorchWeights} holds it. */
  private static long code(DType dtype) {
    return switch (dtype) {
      case F8_E4M3, F8_E5M2 -> 1;
      case F16, BF16 -> 5;
      case F32 -> 6;
      case F64 -> 7;
      default -> throw new IllegalArgumentException("PyTorch maps no " + dtype);
    };
  }

  @Override
  public void close() {
    block.close();
  }
}
