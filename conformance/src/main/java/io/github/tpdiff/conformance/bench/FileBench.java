package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.Folders;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Checkpoint files of one machine, read and written, beside what the machine can do: a plain copy
 * of the same bytes, and a loop over arrays that memory alone bounds.
 *
 * <p>The files are in the page cache: what is measured is this project's work, not the disk's.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgs = "-Xmx2g")
public class FileBench {

  /** Elements of each tensor: more than caches hold. */
  private static final int ELEMENTS = 1 << 24;

  /** Where the files are made. */
  @Param("")
  public String folder = "";

  /** Payload of the F32 file in MiB; the BF16 file has half of it. */
  @Param("256")
  public int mebibytes;

  private Path wide = Path.of("");
  private Path half = Path.of("");
  private Path large = Path.of("");
  private Path target = Path.of("");
  private float[] values = new float[0];
  private float[] copied = new float[0];

  /** Makes the files. */
  @Setup(Level.Trial)
  public void write() throws IOException {
    Path home = Files.createTempDirectory(Path.of(folder), "file-bench");
    wide = home.resolve("f32.safetensors");
    half = home.resolve("bf16.safetensors");
    target = home.resolve("target.safetensors");
    large = SparseCheckpoint.write(home.resolve("large"));
    values = new float[ELEMENTS];
    copied = new float[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      values[i] = (i * 0x9e3779b9) / 1e9f;
    }
    write(wide, DType.F32);
    write(half, DType.BF16);
  }

  /** Deletes them. */
  @TearDown(Level.Trial)
  public void delete() throws IOException {
    Path home = wide.getParent();
    if (home != null) {
      Folders.delete(home);
    }
  }

  private List<TensorInfo> tensors(DType dtype) {
    List<TensorInfo> infos = new ArrayList<>();
    for (long i = 0; i < ((long) mebibytes << 20) / (4L * ELEMENTS); i++) {
      infos.add(new TensorInfo("blocks." + i + ".weight", dtype, List.of((long) ELEMENTS)));
    }
    return infos;
  }

  private void write(Path file, DType dtype) {
    List<TensorInfo> infos = tensors(dtype);
    int size = dtype.bytes();
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, infos, Map.of())) {
      for (TensorInfo info : infos) {
        writer.fill(
            info.name(),
            (offset, chunk) ->
                FloatCodec.encode(
                    FloatBuffer.wrap(values, (int) (offset / size), chunk.remaining() / size),
                    dtype,
                    chunk));
      }
      writer.commit();
    }
  }

  /** A checkpoint of 28 GB in six shards: its index and its headers. */
  @Benchmark
  public int openLarge() {
    try (TensorSource source = Checkpoint.open(large)) {
      return source.names().size();
    }
  }

  /** What reading is held against. */
  @Benchmark
  public Path copyF32() throws IOException {
    return Files.copy(wide, target, StandardCopyOption.REPLACE_EXISTING);
  }

  /** What writing is held against: the copy is on the disk, too. */
  @Benchmark
  public Path copyAndForceF32() throws IOException {
    copyF32();
    try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    return target;
  }

  /** Every value of the file. */
  @Benchmark
  public float[] readF32() {
    return read(wide);
  }

  /** Every value, converted on the way. */
  @Benchmark
  public float[] readBf16() {
    return read(half);
  }

  private float[] read(Path file) {
    try (TensorSource source = Checkpoint.open(file)) {
      for (String name : source.names()) {
        ByteBuffer bytes = source.bytes(name);
        FloatCodec.decode(source.require(name).dtype(), bytes, FloatBuffer.wrap(copied));
      }
    }
    return copied;
  }

  /** A file written, forced to the disk and named. */
  @Benchmark
  public Path writeF32() {
    write(target, DType.F32);
    return target;
  }

  @Benchmark
  public Path writeBf16() {
    write(target, DType.BF16);
    return target;
  }

  /** A loop with one load and one store an element. */
  @Benchmark
  public float[] loopF32() {
    for (int i = 0; i < ELEMENTS; i++) {
      copied[i] = values[i];
    }
    return copied;
  }

  /** One tensor of the BF16 file, which is in memory. */
  @State(Scope.Benchmark)
  public static class Mapped {

    private ByteBuffer bytes = ByteBuffer.allocate(0);

    /** Maps it. */
    @Setup(Level.Trial)
    public void map(FileBench files) {
      try (TensorSource source = Checkpoint.open(files.half)) {
        bytes = source.bytes(source.names().iterator().next());
      }
    }
  }

  /** The same number of elements, from BF16. */
  @Benchmark
  public float[] convertBf16(Mapped mapped) {
    FloatCodec.decode(DType.BF16, mapped.bytes, FloatBuffer.wrap(copied));
    return copied;
  }

  /** Bytes that a benchmark moves: read and written for the loops, the file's payload otherwise. */
  static long bytes(String benchmark, int mebibytes) {
    return switch (benchmark) {
      case "loopF32" -> 8L * ELEMENTS;
      case "convertBf16" -> 6L * ELEMENTS;
      case "readBf16", "writeBf16" -> (long) mebibytes << 19;
      default -> (long) mebibytes << 20;
    };
  }
}
