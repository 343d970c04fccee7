package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.onnx.ExportRequest.Precision;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.FiniteNumbers;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Finds or makes a place for the weights that the graphs of one folder share: where the checkpoint
 * has them, or in a file of their own.
 */
final class WeightStore {
  static final String FILE = "weights.safetensors";

  private final Path folder;
  private final Precision precision;
  private final Placement placement;
  private final Map<String, TensorSource> sources = new LinkedHashMap<>();
  private final Map<String, StoredWeight> stored = new HashMap<>();

  /** How graphs refer to files. */
  interface Placement {
    /** The location of a file of the checkpoint, or empty if its tensors must be copied. */
    Optional<String> locate(Path file);

    /** The location of the file of copies. */
    String locateCopies(Path file);
  }

  /**
   * @param folder where copies are written
   */
  WeightStore(Path folder, Precision precision, Placement placement) {
    this.folder = folder;
    this.precision = precision;
    this.placement = placement;
  }

  /** Declares that graphs of this folder use these tensors. */
  void use(Iterable<String> names, TensorSource source) {
    for (String name : names) {
      TensorSource earlier = sources.putIfAbsent(name, source);
      if (earlier != null && !earlier.require(name).equals(source.require(name))) {
        throw new CheckpointException(
            "%s: tensor '%s' is %s in one component and %s in another"
                .formatted(folder, name, earlier.require(name), source.require(name)));
      }
    }
  }

  /** Stores what was declared; returns where each tensor lies. */
  Map<String, StoredWeight> store() {
    var copies = new ArrayList<TensorInfo>();
    sources.forEach(
        (name, source) -> {
          TensorInfo info = source.require(name);
          DType dtype = storedType(info.dtype());
          Optional<StoredWeight> link =
              dtype == info.dtype() ? inPlace(source.region(name), dtype) : Optional.empty();
          link.ifPresentOrElse(
              weight -> stored.put(name, weight),
              () -> copies.add(new TensorInfo(name, dtype, info.shape())));
        });
    if (!copies.isEmpty()) {
      copy(copies);
    }
    return stored;
  }

  private DType storedType(DType found) {
    return switch (precision) {
      case F32 -> DType.F32;
      case F16 -> DType.F16;
      case KEEP -> StoredWeight.isTakenAsIs(found) ? found : DType.F32;
    };
  }

  private Optional<StoredWeight> inPlace(Optional<FileRegion> region, DType dtype) {
    if (region.isEmpty()) {
      return Optional.empty();
    }
    FileRegion place = region.get();
    return placement
        .locate(place.file())
        .map(location -> new StoredWeight(dtype, location, place.offset(), place.length()));
  }

  private void copy(List<TensorInfo> infos) {
    Path file = folder.resolve(FILE);
    try (var writer = SafetensorsWriter.create(file, infos, Map.of("format", "pt"))) {
      for (TensorInfo info : infos) {
        TensorSource source = Objects.requireNonNull(sources.get(info.name()));
        if (source.require(info.name()).dtype() == info.dtype()) {
          writer.copy(source, info.name());
        } else {
          writer.fill(info.name(), (offset, chunk) -> convert(source, info, offset, chunk));
        }
      }
      writer.commit();
    }
    String location = placement.locateCopies(file);
    try (var written = SafetensorsFile.open(file)) {
      for (TensorInfo info : infos) {
        FileRegion place = written.region(info.name()).orElseThrow();
        stored.put(
            info.name(), new StoredWeight(info.dtype(), location, place.offset(), place.length()));
      }
    }
  }

  private static void convert(TensorSource source, TensorInfo to, long offset, ByteBuffer chunk) {
    DType from = source.require(to.name()).dtype();
    int count = chunk.remaining() / to.dtype().bytes();
    long first = offset / to.dtype().bytes();
    ByteBuffer bytes = source.bytes(to.name(), first * from.bytes(), count * from.bytes());
    float[] values = FloatCodec.decode(from, bytes);
    FiniteNumbers.requireStorable(source.origin(), to, values);
    FloatCodec.encode(FloatBuffer.wrap(values), to.dtype(), chunk);
  }
}
