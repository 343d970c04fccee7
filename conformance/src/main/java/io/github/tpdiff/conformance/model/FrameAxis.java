package io.github.tpdiff.conformance.model;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.video.VideoClip;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Clips and pictures [B, C, F, H, W] taken apart and joined. */
final class FrameAxis {
  private FrameAxis() {}

  /** The clips of a batch [B, 3, F, H, W]. */
  static List<VideoClip> clips(Tensor batch) {
    long[] s = batch.shape();
    float[] values = batch.toFloatArray();
    int size = values.length / (int) s[0];
    var clips = new ArrayList<VideoClip>();
    for (int b = 0; b < s[0]; b++) {
      float[] own = Arrays.copyOfRange(values, b * size, (b + 1) * size);
      clips.add(new VideoClip(own, (int) s[2], (int) s[3], (int) s[4], 1));
    }
    return clips;
  }

  /** Clips [1, C, F, H, W] of one shape as a batch. */
  static Tensor batch(List<Tensor> clips) {
    long[] shape = clips.get(0).shape();
    int size = Math.toIntExact(clips.get(0).elementCount());
    var values = new float[Math.multiplyExact(size, clips.size())];
    for (int b = 0; b < clips.size(); b++) {
      System.arraycopy(clips.get(b).toFloatArray(), 0, values, b * size, size);
    }
    shape[0] = clips.size();
    return Tensor.ofFloats(values, shape);
  }

  /** Chunks of one clip, one after another. */
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
}
