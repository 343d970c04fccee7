package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.OrtException;
import java.util.regex.Pattern;

/** ONNX Runtime refused to open or run a graph. */
public final class OnnxException extends RuntimeException {
  private static final Pattern ERROR_CODE = Pattern.compile("Error code - \\w+ - message: ");

  /**
   * @param doing what was tried, with the graph's name
   */
  OnnxException(String doing, OrtException cause) {
    super(doing + ": " + reason(cause), cause);
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
