package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.FiniteNumbers;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.ScaledCodes;
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

  /**
   * Behind the name of a weight that is stored as codes, as tools for eight-bit floats write it.
   */
  private static final String SCALES = "_scale";

  private final Path folder;
  private final Placement placement;
  private final Map<String, Use> uses = new LinkedHashMap<>();
  private final List<Copy> copies = new ArrayList<>();
  private final Map<String, StoredWeight> stored = new HashMap<>();

  /** How graphs refer to files. */
  interface Placement {
    /** The location of a file of the checkpoint, or empty if its tensors must be copied. */
    Optional<String> locate(Path file);

    /** The location of the file of copies. */
    String locateCopies(Path file);
  }

  private record Use(TensorSource source, WeightPlan plan) {}

  /** A tensor to be written: that of the source by a name of its own, maybe in another type. */
  private record Copy(TensorInfo to, TensorSource source, String name) {}

  /**
   * @param folder where copies are written
   */
  WeightStore(Path folder, Placement placement) {
    this.folder = folder;
    this.placement = placement;
  }

  /** Declares that graphs of this folder use these tensors. */
  void use(Iterable<String> names, TensorSource source, WeightPlan plan) {
    var use = new Use(plan.applied(source), plan);
    for (String name : names) {
      Use earlier = uses.putIfAbsent(name, use);
      if (earlier != null && !earlier.source().require(name).equals(use.source().require(name))) {
        throw new CheckpointException(
            "%s: tensor '%s' is %s in one component and %s in another"
                .formatted(
                    folder, name, earlier.source().require(name), use.source().require(name)));
      }
    }
  }

  /** Stores what was declared; returns where each tensor lies. */
  Map<String, StoredWeight> store() {
    uses.forEach(
        (name, use) ->
            use.plan()
                .codes(use.source(), name)
                .ifPresentOrElse(codes -> place(name, codes), () -> place(name, use)));
    if (!copies.isEmpty()) {
      copy();
    }
    uses.keySet().forEach(this::joinScales);
    return stored;
  }

  private void place(String name, Use use) {
    TensorInfo info = use.source().require(name);
    DType dtype = use.plan().dtype(info);
    place(new Copy(new TensorInfo(name, dtype, info.shape()), use.source(), name));
  }

  private void place(String name, ScaledCodes codes) {
    TensorInfo info = codes.info();
    place(new Copy(new TensorInfo(name, info.dtype(), info.shape()), codes.source(), codes.name()));
    float[] scales = codes.scales();
    String own = name + SCALES;
    TensorSource memory =
        MemoryTensors.builder().addFloats(own, List.of((long) scales.length), scales).build();
    copies.add(new Copy(memory.require(own), memory, own));
  }

  private void place(Copy tensor) {
    DType dtype = tensor.to().dtype();
    Optional<StoredWeight> link =
        tensor.source().require(tensor.name()).dtype() == dtype
            ? inPlace(tensor.source().region(tensor.name()), dtype)
            : Optional.empty();
    link.ifPresentOrElse(
        weight -> stored.put(tensor.to().name(), weight), () -> copies.add(tensor));
  }

  private Optional<StoredWeight> inPlace(Optional<FileRegion> region, DType dtype) {
    if (region.isEmpty()) {
      return Optional.empty();
    }
    FileRegion place = region.get();
    return placement
        .locate(place.file())
        .map(location -> StoredWeight.plain(dtype, location, place.offset(), place.length()));
  }

  private void copy() {
    Path file = folder.resolve(FILE);
    List<TensorInfo> infos = copies.stream().map(Copy::to).toList();
    try (var writer = SafetensorsWriter.create(file, infos, Map.of("format", "pt"))) {
      for (Copy copy : copies) {
        writer.fill(copy.to().name(), (offset, chunk) -> fill(copy, offset, chunk));
      }
      writer.commit();
    }
    String location = placement.locateCopies(file);
    try (var written = SafetensorsFile.open(file)) {
      for (TensorInfo info : infos) {
        FileRegion place = written.region(info.name()).orElseThrow();
        stored.put(
            info.name(),
            StoredWeight.plain(info.dtype(), location, place.offset(), place.length()));
      }
    }
  }

  private static void fill(Copy copy, long offset, ByteBuffer chunk) {
    DType from = copy.source().require(copy.name()).dtype();
    DType to = copy.to().dtype();
    if (from == to) {
      chunk.put(copy.source().bytes(copy.name(), offset, chunk.remaining()));
      return;
    }
    int count = chunk.remaining() / to.bytes();
    long first = offset / to.bytes();
    ByteBuffer bytes = copy.source().bytes(copy.name(), first * from.bytes(), count * from.bytes());
    float[] values = FloatCodec.decode(from, bytes);
    FiniteNumbers.requireStorable(copy.source().origin(), copy.to(), values);
    FloatCodec.encode(FloatBuffer.wrap(values), to, chunk);
  }

  private void joinScales(String name) {
    StoredWeight scales = stored.get(name + SCALES);
    if (scales != null && !uses.containsKey(name + SCALES)) {
      stored.put(name, Objects.requireNonNull(stored.get(name)).withScales(scales));
    }
  }
}
