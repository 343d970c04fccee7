package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StagePlan;

/**
 * From nothing loaded to the first prediction on the full grid.
 *
 * @param seconds it took
 * @param peakBytes of resident anonymous memory meanwhile; 0 if unknown
 */
record FirstOutput(double seconds, long peakBytes) {
  /** What there is to load. */
  interface Loading {
    EngineBench load();
  }

  static FirstOutput measure(Loading loading, StagePlan plan, LatentShape shape) {
    try (var memory = AnonymousMemory.watching()) {
      long start = System.nanoTime();
      try (EngineBench loaded = loading.load()) {
        loaded.predict(plan, shape);
        return new FirstOutput((System.nanoTime() - start) / 1e9, memory.peakBytes());
      }
    }
  }

  /** The quicker of two; of memory this one's, as what came between may not be freed yet. */
  FirstOutput orSooner(FirstOutput later) {
    return new FirstOutput(Math.min(seconds, later.seconds), peakBytes);
  }
}
