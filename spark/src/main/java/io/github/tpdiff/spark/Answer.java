package io.github.tpdiff.spark;

import java.io.Serializable;

/**
 * What comes of an item on an executor: a result, or a reason for which trying again is of no use.
 *
 * @param isRefused whether it is a reason
 * @param text the result, or the reason in one line
 */
record Answer(boolean isRefused, String text) implements Serializable {
  static Answer result(String text) {
    return new Answer(false, text);
  }

  static Answer refused(String reason) {
    return new Answer(true, reason);
  }
}
