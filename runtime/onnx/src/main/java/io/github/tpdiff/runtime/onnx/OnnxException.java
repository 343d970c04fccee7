package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.OrtException;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Objects;
import java.util.regex.Pattern;

/** ONNX Runtime refused to open or run a graph. */
public final class OnnxException extends RuntimeException {
  private static final String NO_MEMORY = "Failed to allocate memory";
  private static final Pattern ERROR_CODE = Pattern.compile("Error code - \\w+ - message: ");

  /**
   * @param doing what was tried, with the graph's name
   */
  OnnxException(String doing, OrtException cause) {
    super(doing + ": " + reason(cause), cause);
  }

  /**
   * What running a graph ends with: memory is for the user to find, anything else is ours.
   *
   * @param name of the graph
   */
  static RuntimeException running(String name, OrtException cause) {
    var failure = new OnnxException(name + ": ONNX Runtime cannot run it", cause);
    return failure.getMessage().contains(NO_MEMORY)
        ? new CheckpointException(
            failure.getMessage() + "; a smaller video or a shorter prompt needs less", failure)
        : failure;
  }

  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }

  /** The runtime did not come so far as to give a reason of its own. */
  OnnxException(String message, Throwable cause) {
    super(message, cause);
  }

  /** What the runtime says, in one line. */
  static String reason(OrtException failure) {
    String message = ERROR_CODE.matcher(String.valueOf(failure.getMessage())).replaceAll("");
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
