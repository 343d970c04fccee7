package io.github.tpdiff.lora;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.charset.StandardCharsets;
import java.util.TreeSet;

/**
 * Tells checkpoints apart without reading all of them: a SHA-256 over every tensor's name, type,
 * shape and three slices of its payload (start, middle, end).
 */
public final class CheckpointFingerprint {
  private static final int SLICE = 1024;

  private CheckpointFingerprint() {}

  /** The fingerprint, 64 hexadecimal digits; the same in whatever files the tensors lie. */
  public static String of(TensorSource source) {
    Hasher hasher = Hashing.sha256().newHasher();
    for (String name : new TreeSet<>(source.names())) {
      TensorInfo info = source.require(name);
      hasher.putString(name + info.dtype() + info.shape(), StandardCharsets.UTF_8);
      long size = info.byteCount();
      int length = (int) Math.min(SLICE, size);
      for (long offset : new long[] {0, (size - length) / 2, size - length}) {
        hasher.putBytes(source.bytes(name, offset, length));
      }
    }
    return hasher.hash().toString();
  }
}
