package io.github.tpdiff.weights;

import java.util.Objects;

/**
 * A checkpoint that cannot be read or written, in one line: which file or tensor, what was
 * expected, what was found.
 *
 * <p>Messages quote names that files make up: they are {@link PrintableText}, and overlong ones
 * lose their middle.
 */
public class CheckpointException extends RuntimeException {

  private static final int MAX_START = 1000;
  private static final int MAX_END = 400;

  public CheckpointException(String message) {
    super(oneLine(message));
  }

  public CheckpointException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }

  private static String oneLine(String message) {
    String shown =
        message.length() <= MAX_START + MAX_END
            ? message
            : message.substring(0, MAX_START)
                + " … "
                + message.substring(message.length() - MAX_END);
    return PrintableText.of(shown);
  }
}
