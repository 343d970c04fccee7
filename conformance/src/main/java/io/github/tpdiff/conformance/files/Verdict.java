package io.github.tpdiff.conformance.files;

import java.util.Optional;
import java.util.function.Consumer;

/** Whether a file was handled as its manifest says, and why not. */
record Verdict(Optional<String> failure) {
  static Verdict passed() {
    return new Verdict(Optional.empty());
  }

  static Verdict failed(String why) {
    return new Verdict(Optional.of(why));
  }

  void tell(Consumer<String> failed, Runnable passed) {
    failure.ifPresentOrElse(failed, passed);
  }
}
