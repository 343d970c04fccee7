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

  /** Pictures [N, C, H, W] as the frames of one clip [1, C, N, H, W]. */
  static Tensor clip(Tensor pictures) {
    long[] s = pictures.shape();
    return Tensor.ofFloats(
        planesSwapped(pictures.toFloatArray(), (int) s[0], (int) s[1]), 1, s[1], s[0], s[2], s[3]);
  }

  /** The frames of one clip [1, C, N, H, W] as pictures [N, C, H, W]. */
  static Tensor pictures(Tensor clip) {
    long[] s = clip.shape();
    return Tensor.ofFloats(
        planesSwapped(clip.toFloatArray(), (int) s[1], (int) s[2]), s[2], s[1], s[3], s[4]);
  }

  /** [rows, columns, plane...] as [columns, rows, plane...]. */
  private static float[] planesSwapped(float[] values, int rows, int columns) {
    int plane = values.length / (rows * columns);
    var swapped = new float[values.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        System.arraycopy(values, (r * columns + c) * plane, swapped, (c * rows + r) * plane, plane);
      }
    }
    return swapped;
  }

  /** A change of one value of a channel of a frame. */
  interface Change {
    double of(double value, int channel, int frame);
  }

  static Tensor map(Tensor clip, Change change) {
    long[] shape = clip.shape();
    int channels = (int) shape[1];
    float[] values = clip.toFloatArray();
    int frames = (int) shape[2];
    int plane = Math.toIntExact(shape[3] * shape[4]);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) change.of(values[i], i / (frames * plane) % channels, i / plane % frames);
    }
    return Tensor.ofFloats(values, shape);
  }
}
