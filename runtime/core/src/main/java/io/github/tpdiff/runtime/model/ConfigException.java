package io.github.tpdiff.runtime.model;

import io.github.tpdiff.weights.CheckpointException;

/**
 * A configuration that no model can have, or not one of these tensors: the file, the field, what
 * was expected, what is there.
 */
public final class ConfigException extends CheckpointException {
  ConfigException(String message) {
    super(message);
  }

  ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
