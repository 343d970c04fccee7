package io.github.tpdiff.adapters;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;

/** A case of published outputs: its folder, inputs, outputs and tolerance. */
public final class Golden implements AutoCloseable {
  private final Path folder;
  private final JsonNode description;
  private final TensorSource io;

  private Golden(Path folder, JsonNode description) {
    this.folder = folder;
    this.description = description;
    this.io = Checkpoint.open(folder.resolve("io.safetensors"));
  }

  /** A case by family and name, such as {@code wan/vae}. */
  public static Golden open(String name) {
    Path folder = folder(name);
    try {
      return new Golden(folder, new ObjectMapper().readTree(folder.resolve("case.json").toFile()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Path folder(String name) {
    var url = Objects.requireNonNull(Golden.class.getResource("/goldens/" + name));
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  public Path checkpoint() {
    return folder.resolve(description.at("/args/checkpoint").asText());
  }

  public boolean has(String name) {
    return io.find(name).isPresent();
  }

  public Tensor tensor(String name) {
    TensorInfo info = io.require(name);
    long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
    if (info.dtype() == DType.I64) {
      var values = new long[(int) info.elementCount()];
      io.bytes(name).asLongBuffer().get(values);
      return Tensor.ofLongs(values, shape);
    }
    return Tensor.ofFloats(io.floats(name), shape);
  }

  /** The tensor as F32, whatever it is in the file. */
  public Tensor floats(String name) {
    Tensor tensor = tensor(name);
    if (io.require(name).dtype() != DType.I64) {
      return tensor;
    }
    var values = new float[(int) tensor.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.longs().get(i);
    }
    return Tensor.ofFloats(values, tensor.shape());
  }

  public void assertMatches(String name, Tensor found) {
    Tensor reference = floats(name);
    assertArrayEquals(reference.shape(), found.shape(), name);
    float[] r = reference.toFloatArray();
    float[] a = found.toFloatArray();
    double worst = 0;
    double largest = 0;
    double errors = 0;
    double squares = 0;
    for (int i = 0; i < r.length; i++) {
      double error = Math.abs(a[i] - r[i]);
      assertTrue(Double.isFinite(error), name + " at " + i + " is " + a[i]);
      worst = Math.max(worst, error);
      largest = Math.max(largest, Math.abs(r[i]));
      errors += error * error;
      squares += (double) r[i] * r[i];
    }
    assertAtMost(name + " max", worst / largest, tolerance("fp32"));
    assertAtMost(name + " rms", Math.sqrt(errors / squares), tolerance("fp32_rms"));
  }

  private double tolerance(String kind) {
    return description.path("tolerance").path(kind).doubleValue();
  }

  private static void assertAtMost(String what, double found, double limit) {
    assertTrue(found <= limit, what + " error: expected at most " + limit + ", found " + found);
  }

  @Override
  public void close() {
    io.close();
  }
}
