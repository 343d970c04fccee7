package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.OptionalDouble;

/**
 * The random numbers that torch's CPU generator gives after {@code torch.manual_seed(seed)}.
 *
 * <p>Uniform and integer values are equal to torch's; normal ones agree to the last bits of the
 * logarithm and the cosine. Not safe for use by several threads at once.
 */
public final class TorchRandom implements NoiseSource {
  /** Below this, torch draws normals one at a time, in double, and keeps the second of a pair. */
  private static final int BLOCK = 16;

  private final MersenneTwister bits;
  private OptionalDouble kept = OptionalDouble.empty();

  /** A generator after {@code torch.manual_seed(seed)}. */
  public TorchRandom(long seed) {
    bits = new MersenneTwister(seed);
  }

  @Override
  public Latents draw(LatentShape shape) {
    return Latents.of(shape, randn(shape.elements()));
  }

  /** {@code torch.rand(n)}: uniform in [0, 1), 24 bits. */
  public float[] rand(int n) {
    return uniform(n, 0, 1);
  }

  /** {@code tensor.uniform_(from, to)} on n floats. */
  public float[] uniform(int n, double from, double to) {
    float low = (float) from;
    float width = (float) to - low;
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = nextFloat() * width + low;
    }
    return values;
  }

  /** {@code torch.rand(n, dtype=float64)}: uniform in [0, 1), 53 bits. */
  public double[] randDouble(int n) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = nextDouble();
    }
    return values;
  }

  /** {@code torch.randn(n)}. */
  public float[] randn(int n) {
    float[] values = new float[n];
    if (n < BLOCK) {
      for (int i = 0; i < n; i++) {
        values[i] = (float) nextNormal();
      }
      return values;
    }
    for (int i = 0; i < n; i++) {
      values[i] = nextFloat();
    }
    for (int i = 0; i + BLOCK <= n; i += BLOCK) {
      boxMuller(values, i);
    }
    if (n % BLOCK != 0) {
      for (int i = n - BLOCK; i < n; i++) {
        values[i] = nextFloat();
      }
      boxMuller(values, n - BLOCK);
    }
    return values;
  }

  /** {@code torch.randn(n, dtype=float64)}. */
  public double[] randnDouble(int n) {
    double[] values = new double[n];
    if (n < BLOCK) {
      for (int i = 0; i < n; i++) {
        values[i] = nextNormal();
      }
      return values;
    }
    for (int i = 0; i < n; i++) {
      values[i] = nextDouble();
    }
    for (int i = 0; i + BLOCK <= n; i += BLOCK) {
      boxMuller(values, i);
    }
    if (n % BLOCK != 0) {
      for (int i = n - BLOCK; i < n; i++) {
        values[i] = nextDouble();
      }
      boxMuller(values, n - BLOCK);
    }
    return values;
  }

  /**
   * {@code torch.randint(low, high, (n,))}: integers in [low, high).
   *
   * @throws IllegalArgumentException if the range is empty or wider than 32 bits
   */
  public long[] randint(long low, long high, int n) {
    long range = high - low;
    checkArgument(
        range > 0 && range < 1L << 32,
        "randint: the range must hold 1 to 2^32 - 1 values, found [%s, %s)",
        low,
        high);
    long[] values = new long[n];
    for (int i = 0; i < n; i++) {
      values[i] = low + nextBits() % range;
    }
    return values;
  }

  /** {@code torch.randperm(n)}: a permutation of 0 … n − 1. */
  public int[] randperm(int n) {
    int[] values = new int[n];
    for (int i = 0; i < n; i++) {
      values[i] = i;
    }
    for (int i = 0; i < n - 1; i++) {
      int other = i + (int) (nextBits() % (n - i));
      int swapped = values[i];
      values[i] = values[other];
      values[other] = swapped;
    }
    return values;
  }

  /**
   * {@code torch.nn.init.kaiming_uniform_(a = √5)}: uniform in ±1/√fanIn, torch's start of a linear
   * layer and of LoRA's A.
   *
   * @param n values in the tensor
   * @param fanIn product of all dimensions but the first
   */
  public float[] kaimingUniform(int n, int fanIn) {
    checkArgument(fanIn > 0, "fan_in: must be positive, found %s", fanIn);
    double bound = 1 / Math.sqrt(fanIn);
    return uniform(n, -bound, bound);
  }

  /** One uniform number in [0, 1), 53 bits. */
  public double nextDouble() {
    long high = nextBits();
    long both = high << 32 | nextBits();
    return (both & ((1L << 53) - 1)) * 0x1p-53;
  }

  /** One normal number in double; every second call returns the kept half of a pair. */
  public double nextNormal() {
    if (kept.isPresent()) {
      double value = kept.getAsDouble();
      kept = OptionalDouble.empty();
      return value;
    }
    double u1 = nextDouble();
    double u2 = nextDouble();
    double radius = Math.sqrt(-2 * Math.log1p(-u2));
    double theta = 2 * Math.PI * u1;
    kept = OptionalDouble.of(radius * Math.sin(theta));
    return radius * Math.cos(theta);
  }

  private long nextBits() {
    return Integer.toUnsignedLong(bits.nextInt());
  }

  private float nextFloat() {
    return (bits.nextInt() & ((1 << 24) - 1)) * 0x1p-24f;
  }

  /** Turns 8 + 8 uniform values into 8 cosines and 8 sines. */
  private static void boxMuller(float[] values, int at) {
    for (int i = at; i < at + BLOCK / 2; i++) {
      double radius = Math.sqrt(-2 * Math.log(1 - values[i]));
      double theta = 2 * Math.PI * values[i + BLOCK / 2];
      values[i] = (float) (radius * Math.cos(theta));
      values[i + BLOCK / 2] = (float) (radius * Math.sin(theta));
    }
  }

  private static void boxMuller(double[] values, int at) {
    for (int i = at; i < at + BLOCK / 2; i++) {
      double radius = Math.sqrt(-2 * Math.log(1 - values[i]));
      double theta = 2 * Math.PI * values[i + BLOCK / 2];
      values[i] = radius * Math.cos(theta);
      values[i + BLOCK / 2] = radius * Math.sin(theta);
    }
  }
}
