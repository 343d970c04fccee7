package io.github.tpdiff.lora.optim;

import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.DynamicCode;

/**
 * {@link AdamW8bit}: both means are decoded, moved in fp32, and coded again, block by block, as in
 * bitsandbytes' PyTorch and Triton kernels.
 */
final class AdamW8bitStep implements WeightStep {
  private final AdamW numbers;
  private final float[] signed = DynamicCode.signed();
  private final float[] unsigned = DynamicCode.unsigned();

  AdamW8bitStep(AdamW8bit kind) {
    this.numbers = kind.numbers();
  }

  @Override
  public void move(Weight weight, Remembered remembered, int number, double rate) {
    float[] p = weight.value().values();
    if (!AdamW8bit.isCoded(p.length)) {
      new AdamWStep(numbers).move(weight, remembered, number, rate);
      return;
    }
    AdamW.Step x = numbers.step(number, rate);
    float[] g = weight.gradient();
    var mean =
        new Coded(
            signed,
            remembered.codes(AdamW.MEAN + weight.name()),
            remembered.floats(AdamW8bit.MEAN_SCALE + weight.name()));
    var square =
        new Coded(
            unsigned,
            remembered.codes(AdamW.SQUARE + weight.name()),
            remembered.floats(AdamW8bit.SQUARE_SCALE + weight.name()));
    var m = new float[DynamicCode.BLOCK];
    var v = new float[DynamicCode.BLOCK];
    for (int start = 0; start < p.length; start += DynamicCode.BLOCK) {
      int count = Math.min(DynamicCode.BLOCK, p.length - start);
      for (int i = 0; i < count; i++) {
        float gradient = g[start + i];
        m[i] = mean.decoded(start + i) * x.beta1() + x.toGradient() * gradient;
        v[i] = square.decoded(start + i) * x.beta2() + x.toSquare() * gradient * gradient;
        p[start + i] = AdamWStep.moved(x, p[start + i], m[i], v[i]);
      }
      mean.encode(m, start, count);
      square.encode(v, start, count);
    }
  }

  /** A tensor in eight bits. */
  @SuppressWarnings("ArrayRecordComponent") // changed in place, never compared
  private record Coded(float[] values, byte[] codes, float[] scales) {
    float decoded(int place) {
      return values[codes[place] & 0xff] * scales[place / DynamicCode.BLOCK];
    }

    void encode(float[] block, int start, int count) {
      float largest = 0;
      for (int i = 0; i < count; i++) {
        largest = Math.max(largest, Math.abs(block[i]));
      }
      scales[start / DynamicCode.BLOCK] = largest;
      float divisor = largest == 0 ? 1 : largest;
      for (int i = 0; i < count; i++) {
        codes[start + i] = (byte) DynamicCode.nearest(values, block[i] / divisor);
      }
    }
  }
}
