package io.github.tpdiff.lora;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.charset.StandardCharsets;

/** Tells LoRAs apart by what they change, whatever the form of their files. */
public final class LoraFingerprint {
  private LoraFingerprint() {}

  /** A SHA-256 over all layers and numbers, 64 hexadecimal digits. */
  public static String of(LoraWeights lora) {
    Hasher hasher = Hashing.sha256().newHasher();
    lora.layers()
        .forEach(
            (module, change) -> {
              hasher.putString(module + change.kind(), StandardCharsets.UTF_8);
              hasher.putDouble(change.scale());
              change.numbers().forEach(values -> put(hasher, values));
            });
    lora.full()
        .forEach(
            (tensor, change) -> {
              hasher.putString(tensor + change.shape(), StandardCharsets.UTF_8);
              put(hasher, change.values());
            });
    return hasher.hash().toString();
  }

  private static void put(Hasher hasher, float[] values) {
    hasher.putInt(values.length);
    for (float value : values) {
      hasher.putFloat(value);
    }
  }
}
