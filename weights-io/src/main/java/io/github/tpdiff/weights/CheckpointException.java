package io.github.tpdiff.weights;

import java.util.Objects;

/**
 * A checkpoint that cannot be read or written, in one line: which file or tensor, what was
 * expected, what was found.
 */
public class CheckpointException extends RuntimeException {

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }
}
