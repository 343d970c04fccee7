package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import io.github.tpdiff.weights.safetensors.ShardedSafetensorsWriter;
import io.github.tpdiff.weights.safetensors.ShardedTensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Another JVM that writes one thing again and again, every version of it told apart by each of its
 * bytes, and prints a line before each step.
 */
final class WriterProcess {

  private static final int TENSOR_BYTES = 1 << 18;

  private static final List<TensorInfo> TENSORS =
      IntStream.range(0, 4)
          .mapToObj(i -> new TensorInfo("t" + i, DType.U8, List.of((long) TENSOR_BYTES)))
          .toList();

  /** What is written. */
  enum Kind {
    BYTES("x.json"),
    FILE("x.safetensors"),
    SHARDS("x.safetensors.index.json");

    private final String fileName;

    Kind(String fileName) {
      this.fileName = fileName;
    }

    void write(Path folder, int version) {
      write(folder, version, () -> {});
    }

    private void write(Path folder, int version, Runnable step) {
      step.run();
      switch (this) {
        case BYTES -> AtomicFile.write(file(folder), payload(version).array());
        case FILE -> {
          Path file = file(folder);
          try (TensorSink sink = SafetensorsWriter.create(file, TENSORS, metadata(version))) {
            fill(sink, version, step);
          }
        }
        case SHARDS -> {
          var plan =
              new ShardedSafetensorsWriter.Plan(
                  folder, "x", TENSOR_BYTES, TENSORS, metadata(version));
          try (TensorSink sink = ShardedSafetensorsWriter.create(plan)) {
            fill(sink, version, step);
          }
        }
      }
    }

    Path file(Path folder) {
      return folder.resolve(fileName);
    }

    /** The version that is there, every byte of it. */
    int read(Path folder) throws IOException {
      Path file = file(folder);
      if (this == BYTES) {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        assertThat(bytes).isEqualTo(payload(bytes.get(0)));
        return bytes.get(0);
      }
      try (TensorSource source =
          this == FILE ? SafetensorsFile.open(file) : ShardedTensors.open(file)) {
        int version = Integer.parseInt(source.metadata().getOrDefault("version", "none"));
        for (TensorInfo info : TENSORS) {
          assertThat(source.bytes(info.name())).isEqualTo(payload(version));
        }
        return version;
      }
    }
  }

  private WriterProcess() {}

  /** Starts a JVM that writes versions {@code first}, {@code first + 1}, … */
  static List<String> command(Kind kind, Path folder, int first, int count) {
    return new ArrayList<>(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            WriterProcess.class.getName(),
            kind.name(),
            folder.toString(),
            Integer.toString(first),
            Integer.toString(count)));
  }

  /** Exits with 2 and one line on the error stream when a version cannot be written. */
  public static void main(String[] arguments) {
    Kind kind = Kind.valueOf(arguments[0]);
    Path folder = Path.of(arguments[1]);
    int first = Integer.parseInt(arguments[2]);
    try {
      for (int i = 0; i < Integer.parseInt(arguments[3]); i++) {
        kind.write(folder, first + i, WriterProcess::printStep);
      }
    } catch (CheckpointException failure) {
      System.err.println(failure.getMessage());
      System.exit(2);
    }
  }

  private static void printStep() {
    System.out.println("step");
    System.out.flush();
  }

  private static void fill(TensorSink sink, int version, Runnable step) {
    for (TensorInfo info : TENSORS) {
      step.run();
      sink.append(info.name(), payload(version));
    }
    step.run();
    sink.commit();
  }

  private static Map<String, String> metadata(int version) {
    return Map.of("version", Integer.toString(version));
  }

  private static ByteBuffer payload(int version) {
    byte[] bytes = new byte[TENSOR_BYTES];
    Arrays.fill(bytes, (byte) version);
    return ByteBuffer.wrap(bytes);
  }
}
