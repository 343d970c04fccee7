package io.github.tpdiff.spark;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.SparkEnv;

/**
 * A folder of this machine's that is gone when it is closed.
 *
 * @param folder empty at first
 */
record Scratch(Path folder) implements AutoCloseable {
  /** Where Spark keeps what it has on disk. */
  static Scratch create() throws IOException {
    Path place =
        Path.of(SparkEnv.get().conf().get("spark.local.dir", System.getProperty("java.io.tmpdir")));
    Files.createDirectories(place);
    return new Scratch(Files.createTempDirectory(place, "tpdiff-"));
  }

  @Override
  public void close() throws IOException {
    MoreFiles.deleteRecursively(folder, RecursiveDeleteOption.ALLOW_INSECURE);
  }
}
