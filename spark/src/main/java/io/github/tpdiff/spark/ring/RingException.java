package io.github.tpdiff.spark.ring;

/** A neighbour is gone or says what it should not: the ring is of no more use, a new one may be. */
public final class RingException extends RuntimeException {
  public RingException(String message) {
    super(message);
  }

  public RingException(String message, Throwable cause) {
    super(message, cause);
  }
}
