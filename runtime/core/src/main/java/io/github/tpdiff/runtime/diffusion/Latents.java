package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.List;

/**
 * Host latents [B, C, F, H, W], row-major; every operation returns new latents.
 *
 * <p>Values are floats, scalars are doubles, and each operation rounds once per value.
 */
public final class Latents {
  private final LatentShape shape;
  private final float[] data;

  private Latents(LatentShape shape, float[] data) {
    this.shape = shape;
    this.data = data;
  }

  /**
   * Latents over {@code data}, which is not copied: the caller gives it away.
   *
   * @throws IllegalArgumentException if the length does not fit the shape
   */
  public static Latents of(LatentShape shape, float[] data) {
    checkArgument(
        data.length == shape.elements(),
        "latents: shape %s holds %s values, found %s",
        shape,
        shape.elements(),
        data.length);
    return new Latents(shape, data);
  }

  /** Latents of zeros. */
  public static Latents zeros(LatentShape shape) {
    return new Latents(shape, new float[shape.elements()]);
  }

  /**
   * Joins clips along the batch axis.
   *
   * @throws IllegalArgumentException if there is none, or the shapes differ outside the batch axis
   */
  public static Latents concat(List<Latents> clips) {
    checkArgument(!clips.isEmpty(), "latents: nothing to join");
    LatentShape first = clips.get(0).shape;
    int batch = 0;
    for (Latents clip : clips) {
      checkArgument(
          clip.shape.withBatch(1).equals(first.withBatch(1)),
          "latents: clips of one batch must share a shape, found %s and %s",
          first,
          clip.shape);
      batch += clip.shape.batch();
    }
    Latents joined = zeros(first.withBatch(batch));
    int at = 0;
    for (Latents clip : clips) {
      System.arraycopy(clip.data, 0, joined.data, at, clip.data.length);
      at += clip.data.length;
    }
    return joined;
  }

  /** The shape [B, C, F, H, W]. */
  public LatentShape shape() {
    return shape;
  }

  /** The values themselves, not a copy. */
  public float[] data() {
    return data;
  }

  /** The number of frames. */
  public int frames() {
    return shape.frames();
  }

  /** The same without the first frames of every clip, of which at least one is left. */
  public Latents withoutFrames(int count) {
    if (count == 0) {
      return this;
    }
    LatentShape rest = shape.withFrames(shape.frames() - count);
    var values = new float[rest.elements()];
    int kept = rest.frames() * shape.pixels();
    int channel = shape.frames() * shape.pixels();
    for (int i = 0; i < shape.batch() * shape.channels(); i++) {
      System.arraycopy(data, i * channel + channel - kept, values, i * kept, kept);
    }
    return of(rest, values);
  }

  /** The same with zeros in the first frames of every clip. */
  public Latents withZeroFrames(int count) {
    if (count == 0) {
      return this;
    }
    var values = data.clone();
    int channel = shape.frames() * shape.pixels();
    for (int at = 0; at < values.length; at += channel) {
      Arrays.fill(values, at, at + count * shape.pixels(), 0);
    }
    return of(shape, values);
  }

  /** One clip of the batch, as a batch of one. */
  public Latents clip(int index) {
    checkArgument(
        index >= 0 && index < shape.batch(), "latents: no clip %s in a batch of %s", index, shape);
    int size = data.length / shape.batch();
    return of(
        shape.withBatch(1),
        Arrays.copyOfRange(data, index * size, Math.addExact(index * size, size)));
  }

  /** {@code factor · this}. */
  public Latents times(double factor) {
    float[] out = new float[data.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (factor * data[i]);
    }
    return new Latents(shape, out);
  }

  /** {@code this + factor · other}. */
  public Latents plus(double factor, Latents other) {
    return mix(1, factor, other);
  }

  /**
   * {@code own · this + factor · other}.
   *
   * @throws IllegalArgumentException if the shapes differ
   */
  public Latents mix(double own, double factor, Latents other) {
    requireShape(other);
    float[] out = new float[data.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (own * data[i] + factor * other.data[i]);
    }
    return new Latents(shape, out);
  }

  /** The inner product over all values, summed in double. */
  public double dot(Latents other) {
    requireShape(other);
    double sum = 0;
    for (int i = 0; i < data.length; i++) {
      sum += (double) data[i] * other.data[i];
    }
    return sum;
  }

  /** Whether every value is finite. */
  public boolean isFinite() {
    for (float value : data) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  private void requireShape(Latents other) {
    checkArgument(
        shape.equals(other.shape), "latents: expected shape %s, found %s", shape, other.shape);
  }

  @Override
  public String toString() {
    return "Latents" + shape;
  }
}
