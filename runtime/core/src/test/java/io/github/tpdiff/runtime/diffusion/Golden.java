package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/** A case of upstream's outputs: its description and its tensors, all as doubles. */
final class Golden {
  private static final ObjectMapper JSON = new ObjectMapper();

  final JsonNode args;
  final double tolerance;
  private final String folder;
  private final JsonNode header;
  private final ByteBuffer payload;

  Golden(String name) {
    folder = "/goldens/" + name + "/";
    try {
      JsonNode description = JSON.readTree(bytes("case.json"));
      args = description.get("args");
      tolerance = description.get("tolerance").get("fp32").asDouble();
      ByteBuffer file = ByteBuffer.wrap(bytes("io.safetensors")).order(ByteOrder.LITTLE_ENDIAN);
      byte[] json = new byte[(int) file.getLong()];
      file.get(json);
      header = JSON.readTree(json);
      payload = file.slice().order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] bytes(String file) throws IOException {
    try (InputStream in = Golden.class.getResourceAsStream(folder + file)) {
      assertThat(in).as(folder + file).isNotNull();
      return in.readAllBytes();
    }
  }

  /** A JSON file of the case as a map. */
  Map<String, Object> json(String file) {
    try {
      return JSON.readValue(bytes(file), new TypeReference<Map<String, Object>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean has(String name) {
    return header.has(name);
  }

  double[] values(String name) {
    JsonNode entry = header.get(name);
    assertThat(entry).as(name).isNotNull();
    int from = entry.get("data_offsets").get(0).asInt();
    int to = entry.get("data_offsets").get(1).asInt();
    String type = entry.get("dtype").asText();
    double[] values = new double[(to - from) / (type.equals("F32") ? 4 : 8)];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case "F32" -> payload.getFloat(from + 4 * i);
            case "F64" -> payload.getDouble(from + 8 * i);
            case "I64" -> payload.getLong(from + 8 * i);
            default -> throw new IllegalStateException(name + ": " + type);
          };
    }
    return values;
  }

  Latents latents(String name) {
    JsonNode shape = header.get(name).get("shape");
    double[] values = values(name);
    float[] data = new float[values.length];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) values[i];
    }
    return Latents.of(
        new LatentShape(
            shape.get(0).asInt(),
            shape.get(1).asInt(),
            shape.get(2).asInt(),
            shape.get(3).asInt(),
            shape.get(4).asInt()),
        data);
  }

  /** max|a − r| ≤ tolerance · max|r|, as the format of the cases says. */
  void assertMatches(String name, double[] actual) {
    double[] expected = values(name);
    assertThat(actual).as(name).hasSameSizeAs(expected);
    double error = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      error = Math.max(error, Math.abs(actual[i] - expected[i]));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    assertThat(error).as(name).isLessThanOrEqualTo(tolerance * largest);
  }

  /** Integers are equal. */
  void assertEquals(String name, double[] actual) {
    assertThat(actual).as(name).isEqualTo(values(name));
  }
}
