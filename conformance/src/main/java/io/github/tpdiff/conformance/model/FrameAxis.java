package io.github.tpdiff.conformance.model;

import io.github.tpdiff.runtime.engine.Tensor;
import java.util.List;

/** Cutting and joining [B, C, F, H, W] along the frames, and scaling along the channels. */
final class FrameAxis {
  private FrameAxis() {}

  /** Frames {@code from} to {@code to}. */
  static Tensor slice(Tensor clip, int from, int to) {
    long[] shape = clip.shape();
    int frames = (int) shape[2];
    int plane = Math.toIntExact(shape[3] * shape[4]);
    float[] values = clip.toFloatArray();
    var slice = new float[values.length / frames * (to - from)];
    int rows = values.length / (frames * plane);
    for (int row = 0; row < rows; row++) {
      System.arraycopy(
          values,
          (row * frames + from) * plane,
          slice,
          row * (to - from) * plane,
          (to - from) * plane);
    }
    return Tensor.ofFloats(slice, shape[0], shape[1], to - from, shape[3], shape[4]);
  }

  static Tensor join(List<Tensor> chunks) {
    long[] shape = chunks.get(0).shape();
    int frames = chunks.stream().mapToInt(chunk -> (int) chunk.shape()[2]).sum();
    int plane = Math.toIntExact(shape[3] * shape[4]);
    int rows = Math.toIntExact(shape[0] * shape[1]);
    var joined = new float[Math.multiplyExact(rows * frames, plane)];
    int at = 0;
    for (Tensor chunk : chunks) {
      int count = (int) chunk.shape()[2];
      float[] values = chunk.toFloatArray();
      for (int row = 0; row < rows; row++) {
        System.arraycopy(
            values, row * count * plane, joined, (row * frames + at) * plane, count * plane);
      }
      at += count;
    }
    return Tensor.ofFloats(joined, shape[0], shape[1], frames, shape[3], shape[4]);
  }

  /** A change of one value of a channel. */
  interface ChannelChange {
    double of(double value, int channel);
  }

  static Tensor map(Tensor clip, ChannelChange change) {
    long[] shape = clip.shape();
    int channels = (int) shape[1];
    float[] values = clip.toFloatArray();
    int size = values.length / Math.toIntExact(shape[0] * channels);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) change.of(values[i], i / size % channels);
    }
    return Tensor.ofFloats(values, shape);
  }
}
