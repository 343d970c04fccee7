package io.github.tpdiff.weights.pickle;

/** Why a pickle or its archive is refused, without naming the file. */
final class PickleException extends Exception {

  PickleException(String message) {
    super(message);
  }
}
