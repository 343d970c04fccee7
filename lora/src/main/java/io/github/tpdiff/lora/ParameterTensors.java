package io.github.tpdiff.lora;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.Slices;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Parameters as F32 tensors, encoded slice by slice when they are read. */
final class ParameterTensors implements TensorSource {
  private final Map<String, Parameter> parameters;

  ParameterTensors(Map<String, Parameter> parameters) {
    this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }

  @Override
  public Set<String> names() {
    return parameters.keySet();
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(parameters.get(name))
        .map(p -> new TensorInfo(name, DType.F32, p.shape()));
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Slices.check(this, require(name), offset, length);
    int first = Math.toIntExact(offset / Float.BYTES);
    int skipped = (int) (offset % Float.BYTES);
    int count = (skipped + length + Float.BYTES - 1) / Float.BYTES;
    ByteBuffer whole = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = Parameter.require(parameters, name).values();
    FloatCodec.encode(FloatBuffer.wrap(values, first, count), DType.F32, whole);
    return whole.flip().slice(skipped, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.empty();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  /** Does nothing: the values are the parameters' own. */
  @Override
  public void close() {}
}
