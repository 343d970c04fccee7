package io.github.tpdiff.spark.ring;

/** Another rank has ended the run for all of them; the message is its reason. */
public final class RingEndedException extends RuntimeException {
  RingEndedException(String reason) {
    super(reason);
  }
}
