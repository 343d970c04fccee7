package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import io.github.tpdiff.weights.NativeFolder;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Starts the runtime on a thread with a large stack: its start recurses some 12,000 frames deep,
 * which overflows the 1 MB of a Java thread and ends the process.
 */
final class DeepStack {
  /** Address space; memory is taken only as deep as the recursion goes. */
  private static final long STACK_BYTES = 64L << 20;

  private DeepStack() {}

  static OrtEnvironment environment() {
    NativeFolder folder = NativeFolder.temporary();
    folder.require();
    var task =
        new FutureTask<>(
            // What fails is thrown with its reason; printed too, it would be said twice.
            () -> OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "tpdiff"));
    var thread = new Thread(null, task, "onnx-start", STACK_BYTES);
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get();
    } catch (ExecutionException failure) {
      throw folder.cannotLoad("ONNX Runtime", failure);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new OnnxException("the start of ONNX Runtime was interrupted", interrupted);
    }
  }
}
