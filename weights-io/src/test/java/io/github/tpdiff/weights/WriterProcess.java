package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.LayoutConversion;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
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
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * Another JVM that writes one thing again and again, every version of it told apart by each of its
 * bytes, and prints a line before each step.
 */
final class WriterProcess {

  private static final int TENSOR_BYTES = 1 << 18;
  private static final int LORA_RANK = 16;
  private static final int LORA_WIDTH = 2048;

  private static final List<TensorInfo> TENSORS =
      IntStream.range(0, 4)
          .mapToObj(i -> new TensorInfo("t" + i, DType.U8, List.of((long) TENSOR_BYTES)))
          .toList();

  /** What is written. */
  enum Kind {
    BYTES("x.json"),
    FILE("x.safetensors"),
    SHARDS("x.safetensors.index.json"),
    LORA("lora.safetensors"),
    PEFT("adapter_config.json"),
    CONVERTED("transformer.safetensors.index.json");

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
              new ShardedSafetensorsWriter.Request(
                  folder, "x", TENSOR_BYTES, TENSORS, metadata(version));
          try (TensorSink sink = ShardedSafetensorsWriter.create(plan)) {
            fill(sink, version, step);
          }
        }
        case LORA -> {
          step.run();
          LoraWriter.write(file(folder), lora(version), LoraFormat.KOHYA, DType.F32);
        }
        case PEFT -> {
          step.run();
          LoraWriter.write(folder, lora(version), LoraFormat.PEFT, DType.F32);
        }
        case CONVERTED -> convert(folder, version, step);
      }
    }

    /** A transformer of the original layout, written in shards of diffusers'. */
    private static void convert(Path folder, int version, Runnable step) {
      MemoryTensors.Builder tensors = MemoryTensors.builder();
      for (int i = 0; i < TENSORS.size(); i++) {
        tensors.add(TENSORS.get(i).withName(original(i)), payload(version));
      }
      step.run();
      LayoutConversion.convert(
          List.of(tensors.build()),
          new LayoutConversion.Request(
              folder.resolve("transformer.safetensors"),
              Layout.DIFFUSERS,
              UnaryOperator.identity(),
              TENSOR_BYTES));
    }

    private static String original(int block) {
      return "blocks." + block + ".self_attn.q.weight";
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
      if (this == LORA || this == PEFT) {
        return loraVersion(this == PEFT ? folder : file);
      }
      if (this == CONVERTED) {
        return convertedVersion(file);
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

  /** One whose matrices and alpha all say the version. */
  private static LoraWeights lora(int version) {
    float[] a = new float[LORA_RANK * LORA_WIDTH];
    Arrays.fill(a, version);
    Map<String, LoraPair> pairs = new TreeMap<>();
    for (int block = 0; block < 4; block++) {
      pairs.put(
          "blocks." + block + ".attn1.to_q", LoraPair.ofAlpha(LORA_RANK, version, a, a.clone()));
    }
    return new LoraWeights("transformer", pairs, metadata(version));
  }

  private static int loraVersion(Path path) {
    LoraWeights read = LoraFile.read(path).weights();
    int version = Integer.parseInt(read.metadata().getOrDefault("version", "none"));
    LoraWeights expected = lora(version);
    assertThat(read.pairs().keySet()).isEqualTo(expected.pairs().keySet());
    read.pairs()
        .forEach(
            (module, pair) -> {
              assertThat(pair.alpha()).isEqualTo(version);
              assertThat(pair.a()).containsOnly(version);
              assertThat(pair.b()).containsOnly(version);
            });
    return version;
  }

  private static int convertedVersion(Path index) {
    try (TensorSource source = ShardedTensors.open(index)) {
      int version = source.bytes("blocks.0.attn1.to_q.weight").get(0);
      assertThat(source.names()).hasSameSizeAs(TENSORS);
      for (String name : source.names()) {
        assertThat(source.bytes(name)).isEqualTo(payload(version));
      }
      return version;
    }
  }

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
