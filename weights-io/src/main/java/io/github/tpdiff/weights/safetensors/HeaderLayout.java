package io.github.tpdiff.weights.safetensors;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where a file to be written puts its tensors, and the header that says so.
 *
 * <p>As the reference implementation does it: tensors by type, widest first, then by name; metadata
 * by key; the header padded with spaces to a multiple of 8. The same tensors make the same bytes in
 * whatever order they are declared.
 */
record HeaderLayout(ByteBuffer header, Map<String, Range> ranges, long fileSize) {

  /** A tensor's bytes in the file. */
  record Range(TensorInfo info, long offset) {}

  private static final List<DType> WIDEST_FIRST =
      List.of(
          DType.U64,
          DType.I64,
          DType.F64,
          DType.C64,
          DType.F32,
          DType.U32,
          DType.I32,
          DType.BF16,
          DType.F16,
          DType.U16,
          DType.I16,
          DType.F8_E5M2FNUZ,
          DType.F8_E4M3FNUZ,
          DType.F8_E8M0,
          DType.F8_E4M3,
          DType.F8_E5M2,
          DType.I8,
          DType.U8,
          DType.F6_E3M2,
          DType.F6_E2M3,
          DType.F4,
          DType.BOOL);

  static HeaderLayout of(Path file, List<TensorInfo> tensors, Map<String, String> metadata) {
    List<TensorInfo> sorted = new ArrayList<>(tensors);
    sorted.sort(
        Comparator.comparingInt((TensorInfo info) -> WIDEST_FIRST.indexOf(info.dtype()))
            .thenComparing(
                info -> info.name().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned));
    Map<String, Range> dataRanges = new LinkedHashMap<>();
    long end = 0;
    for (TensorInfo info : sorted) {
      if (dataRanges.putIfAbsent(info.name(), new Range(info, end)) != null) {
        throw new CheckpointException(
            "%s: tensor '%s' is declared twice".formatted(file, info.name()));
      }
      end = Math.addExact(end, info.byteCount());
    }
    ByteBuffer header = header(file, json(file, dataRanges, metadata));
    int dataStart = header.remaining();
    Map<String, Range> ranges = new LinkedHashMap<>();
    dataRanges.forEach(
        (name, range) -> ranges.put(name, new Range(range.info(), dataStart + range.offset())));
    return new HeaderLayout(header, ranges, Math.addExact(end, dataStart));
  }

  private static ByteBuffer header(Path file, byte[] json) {
    int padded = (json.length + 7) & -8;
    if (padded > SafetensorsHeader.MAX_BYTES) {
      throw new CheckpointException(
          "%s: names and metadata need a header of %d bytes, the format allows %d"
              .formatted(file, padded, SafetensorsHeader.MAX_BYTES));
    }
    ByteBuffer header =
        ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded);
    header.put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.flip();
  }

  private static byte[] json(
      Path file, Map<String, Range> dataRanges, Map<String, String> metadata) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes, JsonEncoding.UTF8)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      for (Range range : dataRanges.values()) {
        TensorInfo info = range.info();
        json.writeObjectFieldStart(info.name());
        json.writeStringField("dtype", info.dtype().name());
        json.writeArrayFieldStart("shape");
        for (long dimension : info.shape()) {
          json.writeNumber(dimension);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("data_offsets");
        json.writeNumber(range.offset());
        json.writeNumber(range.offset() + info.byteCount());
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndObject();
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: a name cannot be written: %s".formatted(file, failure.getMessage()), failure);
    }
    return bytes.toByteArray();
  }
}
