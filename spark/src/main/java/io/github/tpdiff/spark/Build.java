package io.github.tpdiff.spark;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipFile;

/** Which build of this program runs here: what is in its jar. */
final class Build {
  private static final int SHOWN = 12;

  private Build() {}

  /** Another whenever a file in the jar is; the same for all classes that are not in one. */
  static String id() {
    try {
      return id(Path.of(Build.class.getProtectionDomain().getCodeSource().getLocation().toURI()));
    } catch (URISyntaxException | IOException unknown) {
      throw new IllegalStateException("which jar this is cannot be told: " + unknown, unknown);
    }
  }

  static String id(Path place) throws IOException {
    if (!Files.isRegularFile(place)) {
      return "classes";
    }
    Hasher hasher = Hashing.sha256().newHasher();
    try (var jar = new ZipFile(place.toFile())) {
      jar.stream()
          .forEach(
              entry ->
                  hasher
                      .putString(entry.getName(), StandardCharsets.UTF_8)
                      .putLong(entry.getCrc()));
    }
    return hasher.hash().toString().substring(0, SHOWN);
  }

  /**
   * @throws CheckpointException if the driver runs another build
   */
  static void requireSame(String driver) {
    if (!driver.equals(id())) {
      throw new CheckpointException(
          "the driver runs build %s of tpdiff and this executor build %s; give both the same jar, as spark-submit does, and none in spark.executor.extraClassPath"
              .formatted(driver, id()));
    }
  }
}
