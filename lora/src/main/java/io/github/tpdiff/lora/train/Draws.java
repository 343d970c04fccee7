package io.github.tpdiff.lora.train;

/**
 * Random numbers by place instead of in sequence: each is a function of the run's seed, what it is
 * for, and where, so a resumed run draws what the uninterrupted one would have.
 *
 * <p>Places are mixed by the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
 */
record Draws(long seed) {
  /** What a number is for. */
  enum Purpose {
    ORDER(1),
    STAGE(2),
    TIME(3),
    NOISE(4),
    CAPTION(5),
    VALIDATION(6),
    PICTURE(7),
    LORA(8);

    /** Fixed for ever: states of earlier versions are resumed with the same numbers. */
    private final long stream;

    Purpose(long stream) {
      this.stream = stream;
    }
  }

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  /** 64 random bits. */
  long bits(Purpose purpose, long... place) {
    long state = mix(seed + GOLDEN_GAMMA * purpose.stream);
    for (long coordinate : place) {
      state = mix(state + GOLDEN_GAMMA * (coordinate + 1));
    }
    return state;
  }

  /** Uniform in [0, 1). */
  double uniform(Purpose purpose, long... place) {
    return (bits(purpose, place) >>> 11) * 0x1p-53;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
