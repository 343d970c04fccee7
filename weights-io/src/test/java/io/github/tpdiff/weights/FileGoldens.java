package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A folder of files with a manifest that says which must be read, and to what. */
public final class FileGoldens {

  /** A file and what the reference reader says about it. */
  public record Entry(Path folder, JsonNode json) {

    public Path file() {
      return folder.resolve(json.get("file").asText());
    }

    public String expected() {
      return json.get("expected").asText();
    }

    @Override
    public String toString() {
      return json.get("file").asText() + ": " + json.get("why").asText();
    }

    /** Asserts that the source holds exactly the tensors and metadata of the manifest. */
    public void assertHeldBy(TensorSource source) {
      List<String> names = new ArrayList<>();
      try (SafetensorsFile values = SafetensorsFile.open(folder.resolve("io.safetensors"))) {
        for (JsonNode tensor : json.get("tensors")) {
          String name = tensor.get("name").asText();
          names.add(name);
          TensorInfo info = source.require(name);
          assertThat(info.dtype().name()).as(name).isEqualTo(tensor.get("dtype").asText());
          assertThat(info.shape())
              .as(name)
              .isEqualTo(
                  StreamSupport.stream(tensor.get("shape").spliterator(), false)
                      .map(JsonNode::asLong)
                      .toList());
          String key = tensor.get("expected").asText();
          assertThat(widened(info.dtype(), source.bytes(name)))
              .as(name)
              .isEqualTo(widened(values.require(key).dtype(), values.bytes(key)));
        }
      }
      assertThat(source.names()).containsExactlyInAnyOrderElementsOf(names);
      Map<String, String> metadata = new TreeMap<>();
      json.path("metadata")
          .properties()
          .forEach(field -> metadata.put(field.getKey(), field.getValue().asText()));
      assertThat(source.metadata()).containsAllEntriesOf(metadata);
    }
  }

  private FileGoldens() {}

  public static Path resource(String path) {
    try {
      return Path.of(
          Objects.requireNonNull(FileGoldens.class.getResource("/" + path), path).toURI());
    } catch (URISyntaxException malformed) {
      throw new IllegalStateException(malformed);
    }
  }

  public static Stream<Entry> entries(Path folder, String... expected) throws IOException {
    JsonNode files =
        new ObjectMapper().readTree(folder.resolve("manifest.json").toFile()).get("files");
    return StreamSupport.stream(files.spliterator(), false)
        .map(json -> new Entry(folder, json))
        .filter(entry -> List.of(expected).contains(entry.expected()));
  }

  /** The bytes of every file below folders of resources whose name ends so. */
  public static Stream<byte[]> contents(String suffix, String... folders) throws IOException {
    List<byte[]> contents = new ArrayList<>();
    for (String folder : folders) {
      try (Stream<Path> files = Files.walk(resource(folder))) {
        files
            .filter(file -> Files.isRegularFile(file) && file.toString().endsWith(suffix))
            .sorted()
            .forEach(file -> contents.add(bytes(file)));
      }
    }
    return contents.stream();
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Elements as the manifest's values give them: floats, doubles for F64, longs. */
  private static List<? extends Number> widened(DType dtype, ByteBuffer bytes) {
    int count = bytes.remaining() / dtype.bytes();
    if (dtype == DType.F64) {
      return IntStream.range(0, count).mapToObj(i -> bytes.getDouble(8 * i)).toList();
    }
    if (dtype.isFloating()) {
      float[] values = new float[count];
      FloatCodec.decode(dtype, bytes, FloatBuffer.wrap(values));
      return IntStream.range(0, count).mapToObj(i -> values[i]).toList();
    }
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                switch (dtype) {
                  case I64, U64 -> bytes.getLong(8 * i);
                  case I32 -> (long) bytes.getInt(4 * i);
                  case I16 -> (long) bytes.getShort(2 * i);
                  case I8 -> (long) bytes.get(i);
                  case U8, BOOL -> bytes.get(i) & 0xffL;
                  default -> throw new IllegalArgumentException("not in the goldens: " + dtype);
                })
        .toList();
  }
}
