package io.github.tpdiff.weights.safetensors;

import com.fasterxml.jackson.core.JsonToken;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.safetensors.StrictJson.Malformed;
import io.github.tpdiff.weights.safetensors.StrictJson.Repeated;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A parsed and checked header: what lies where in the data area. */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {

  /** The reference implementation's limit on the header's length. */
  static final int MAX_BYTES = 100_000_000;

  /** Others are passed over, as the reference implementation does. */
  private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

  /** A tensor and the range of the data area that holds it. */
  record Entry(TensorInfo info, long begin, long end) {}

  /**
   * Parses a header and checks that its tensors cover the data area exactly.
   *
   * @throws Malformed saying what is wrong
   */
  static SafetensorsHeader parse(byte[] json, long dataLength) throws Malformed {
    List<Entry> entries = new ArrayList<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    try (StrictJson parser = StrictJson.open(json)) {
      parser.expect(JsonToken.START_OBJECT, "a JSON object");
      Set<String> seen = new HashSet<>();
      while (parser.nextName()) {
        String name = parser.name();
        if (!seen.add(name)) {
          throw new Malformed("'%s' appears twice".formatted(name));
        }
        if (name.equals("__metadata__")) {
          metadata.putAll(parser.strings("__metadata__", Repeated.LAST_COUNTS));
        } else {
          entries.add(entry(parser, name));
        }
      }
      parser.expectEnd();
    } catch (IOException failure) {
      throw new Malformed("invalid JSON: " + StrictJson.reason(failure));
    }
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    checkCoverage(entries, dataLength);
    Map<String, Entry> byName = new LinkedHashMap<>();
    entries.forEach(entry -> byName.put(entry.info().name(), entry));
    return new SafetensorsHeader(byName, metadata);
  }

  /** An object of three fields, or their values alone in an array. */
  private static Entry entry(StrictJson parser, String name) throws IOException, Malformed {
    return switch (parser.next()) {
      case START_OBJECT -> fields(parser, name);
      case START_ARRAY -> values(parser, name);
      default -> throw parser.unexpected("an object for tensor '%s'".formatted(name));
    };
  }

  private static Entry values(StrictJson parser, String name) throws IOException, Malformed {
    DType dtype = dtype(parser, name);
    List<Long> shape = naturals(parser, name, "shape");
    List<Long> offsets = naturals(parser, name, "data_offsets");
    parser.expect(JsonToken.END_ARRAY, "three values for tensor '%s'".formatted(name));
    return entry(name, dtype, shape, offsets);
  }

  private static Entry fields(StrictJson parser, String name) throws IOException, Malformed {
    Optional<DType> dtype = Optional.empty();
    Optional<List<Long>> shape = Optional.empty();
    Optional<List<Long>> offsets = Optional.empty();
    Set<String> seen = new HashSet<>();
    while (parser.nextName()) {
      String field = parser.name();
      if (FIELDS.contains(field) && !seen.add(field)) {
        throw new Malformed("tensor '%s': field '%s' appears twice".formatted(name, field));
      }
      switch (field) {
        case "dtype" -> dtype = Optional.of(dtype(parser, name));
        case "shape" -> shape = Optional.of(naturals(parser, name, field));
        case "data_offsets" -> offsets = Optional.of(naturals(parser, name, field));
        default -> parser.skip();
      }
    }
    return entry(
        name,
        dtype.orElseThrow(() -> missing(name, "dtype")),
        shape.orElseThrow(() -> missing(name, "shape")),
        offsets.orElseThrow(() -> missing(name, "data_offsets")));
  }

  private static Entry entry(String name, DType dtype, List<Long> shape, List<Long> offsets)
      throws Malformed {
    if (offsets.size() != 2) {
      throw new Malformed(
          "tensor '%s': expected two data_offsets, found %d".formatted(name, offsets.size()));
    }
    TensorInfo info;
    try {
      info = new TensorInfo(name, dtype, shape);
    } catch (CheckpointException tooLarge) {
      throw new Malformed(tooLarge.getMessage());
    }
    long begin = offsets.get(0);
    long end = offsets.get(1);
    if (begin > end || end - begin != info.byteCount()) {
      throw new Malformed(
          "tensor '%s': expected %d bytes for %s %s, found data_offsets [%d, %d]"
              .formatted(name, info.byteCount(), dtype, brief(shape), begin, end));
    }
    return new Entry(info, begin, end);
  }

  private static void checkCoverage(List<Entry> entries, long dataLength) throws Malformed {
    long end = 0;
    for (Entry entry : entries) {
      if (entry.begin() != end) {
        throw new Malformed(
            "tensor '%s': expected its data at offset %d, found %d (%s)"
                .formatted(
                    entry.info().name(),
                    end,
                    entry.begin(),
                    entry.begin() < end ? "it overlaps another tensor" : "a gap"));
      }
      end = entry.end();
    }
    if (end != dataLength) {
      throw new Malformed(
          "expected %d bytes of data, found %d (%s)"
              .formatted(
                  end,
                  dataLength,
                  end > dataLength ? "the file is cut short" : "bytes follow the last tensor"));
    }
  }

  private static DType dtype(StrictJson parser, String name) throws IOException, Malformed {
    String found = parser.variant("a dtype for tensor '%s'".formatted(name));
    return DType.find(found)
        .orElseThrow(
            () ->
                new Malformed(
                    "tensor '%s': dtype '%s' is not one of %s"
                        .formatted(name, found, Arrays.toString(DType.values()))));
  }

  private static List<Long> naturals(StrictJson parser, String name, String field)
      throws IOException, Malformed {
    String what = "'%s' of tensor '%s'".formatted(field, name);
    parser.expect(JsonToken.START_ARRAY, "an array for " + what);
    List<Long> values = new ArrayList<>();
    while (parser.nextElement()) {
      values.add(parser.natural(what));
    }
    return values;
  }

  private static Malformed missing(String name, String field) {
    return new Malformed("tensor '%s': field '%s' is missing".formatted(name, field));
  }

  private static Object brief(List<Long> shape) {
    return shape.size() <= 16 ? shape : "of " + shape.size() + " dimensions";
  }
}
