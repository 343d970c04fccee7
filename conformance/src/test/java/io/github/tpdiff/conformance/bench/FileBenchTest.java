package io.github.tpdiff.conformance.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every benchmark does the work that it is named after. */
class FileBenchTest {
  private static final int MEBIBYTES = 64;

  @Test
  void benchmarks_moveTheBytesThatTheirRatesCount(@TempDir Path folder) throws IOException {
    var bench = new FileBench();
    bench.folder = folder.toString();
    bench.mebibytes = MEBIBYTES;
    bench.write();
    try {
      Path copy = bench.copyF32();
      assertThat(Files.size(copy)).isGreaterThan(FileBench.bytes("copyF32", MEBIBYTES));
      float[] exact = bench.readF32().clone();
      assertThat(4L * exact.length).isEqualTo(FileBench.bytes("readF32", MEBIBYTES));
      float[] rounded = bench.readBf16();
      for (int i = 0; i < exact.length; i += 1009) {
        // bf16 keeps eight bits of the mantissa.
        assertThat(Math.abs(rounded[i] - exact[i])).isLessThanOrEqualTo(Math.abs(exact[i]) / 256);
      }
      byte[] before = Files.readAllBytes(copy);
      assertThat(Files.readAllBytes(bench.writeF32())).isEqualTo(before);
      assertThat(Files.size(bench.writeBf16()))
          .isBetween(
              FileBench.bytes("writeBf16", MEBIBYTES),
              FileBench.bytes("writeBf16", MEBIBYTES) + 4096);
      assertThat(bench.openLarge()).isGreaterThan(100);
    } finally {
      bench.delete();
    }
    assertThat(folder).isEmptyDirectory();
  }
}
