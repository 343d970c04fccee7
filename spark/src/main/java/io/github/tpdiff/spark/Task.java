package io.github.tpdiff.spark;

import java.io.Serializable;
import java.util.List;

/**
 * What executors are to do, as plain data: they read the same files as the driver by the same
 * arguments.
 *
 * @param kind of work
 * @param arguments of the verb, as they were given
 * @param build of the driver
 */
record Task(Kind kind, List<String> arguments, String build) implements Serializable {
  /** Kinds of work, each with what it needs opened. */
  enum Kind {
    CLIPS,
    CAPTIONS,
    VIDEOS,
    FEATURES
  }

  Task {
    arguments = List.copyOf(arguments);
  }

  static Task of(Kind kind, List<String> arguments) {
    return new Task(kind, arguments, Build.id());
  }

  Workshop open() {
    Build.requireSame(build);
    return switch (kind) {
      case CLIPS -> PrepareVerb.openClips(arguments);
      case CAPTIONS -> PrepareVerb.openCaptions(arguments);
      case VIDEOS -> GenerateVerb.open(arguments);
      case FEATURES -> EvaluateVerb.open(arguments);
    };
  }
}
