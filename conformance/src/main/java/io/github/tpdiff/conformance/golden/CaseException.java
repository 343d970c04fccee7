package io.github.tpdiff.conformance.golden;

/** A case that cannot be run, in one line: which case, which field or tensor, what was expected. */
public final class CaseException extends RuntimeException {
  public CaseException(String message) {
    super(message);
  }

  public CaseException(String message, Throwable cause) {
    super(message, cause);
  }
}
