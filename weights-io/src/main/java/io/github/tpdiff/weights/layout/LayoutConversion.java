package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.Folders;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.ShardedSafetensorsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Writes the networks of a model in one layout, whatever layouts they have. */
public final class LayoutConversion {

  /**
   * What to write.
   *
   * @param target a folder, or a {@code .safetensors} file where one is enough
   * @param dtypes the type to store a floating type as
   * @param maxShardBytes payload of a file, where the layout has shards
   */
  public record Request(
      Path target, Layout layout, UnaryOperator<DType> dtypes, long maxShardBytes) {}

  /**
   * A checkpoint that was written.
   *
   * @param expert which of two it is by the folder of its source, if that is one of theirs
   */
  public record Written(
      Path file, List<Network> networks, Optional<Expert> expert, int tensors, long bytes) {}

  /**
   * What was done.
   *
   * @param missing tensors that the networks should have and the sources lack
   * @param leftOver tensors of no known network, which were not written
   * @param scaled how many tensors were stored in the sources with scales, which they are no more
   * @param rounding by stored type, for the types that changed
   */
  public record Report(
      List<Written> written,
      List<String> missing,
      List<String> leftOver,
      int scaled,
      Map<DType, RoundingError> rounding) {}

  private record Part(FoundNetwork found, TensorSource tensors, Optional<Expert> expert) {
    boolean isSame(Network other, Optional<Expert> itsExpert) {
      boolean two = expert.isPresent() && itsExpert.isPresent() && !expert.equals(itsExpert);
      return found.network() == other && !two;
    }
  }

  private static final String SAFETENSORS = ".safetensors";

  private final Request request;
  private final List<Part> parts = new ArrayList<>();
  private final List<String> missing = new ArrayList<>();
  private final List<String> leftOver = new ArrayList<>();
  private int scaled;
  private final Map<DType, RoundingError> rounding = new TreeMap<>();

  private LayoutConversion(Request request) {
    this.request = request;
  }

  /**
   * Writes every network found in the sources; nothing appears before all is written.
   *
   * @throws CheckpointException when there is none, one is there twice, tensors do not fit, or a
   *     number is not finite or not in the type it is stored as
   */
  public static Report convert(Collection<TensorSource> sources, Request request) {
    LayoutConversion conversion = new LayoutConversion(request);
    sources.forEach(conversion::find);
    if (conversion.parts.isEmpty()) {
      throw new CheckpointException(
          "%s: expected tensors of a known network, found %s"
              .formatted(
                  sources.stream().map(TensorSource::origin).toList(),
                  conversion.leftOver.stream().limit(3).toList()));
    }
    List<Written> written = conversion.write();
    return new Report(
        written, conversion.missing, conversion.leftOver, conversion.scaled, conversion.rounding);
  }

  private void find(TensorSource source) {
    Contents contents = Contents.of(source.names());
    for (FoundNetwork found : contents.networks()) {
      Optional<Expert> expert = Expert.of(found.network(), Path.of(source.origin()));
      for (Part part : parts) {
        if (part.isSame(found.network(), expert)) {
          throw new CheckpointException(
              "%s and %s both hold a %s; give one of them"
                  .formatted(part.tensors().origin(), source.origin(), found.network().label()));
        }
      }
      parts.add(new Part(found, found.as(request.layout(), source.finite()), expert));
      missing.addAll(found.missing());
    }
    leftOver.addAll(contents.leftOver());
  }

  /** The parts by the path of their file, without an ending. */
  private Map<Path, List<Part>> files() {
    Map<Path, List<Part>> files = new LinkedHashMap<>();
    for (Part part : parts) {
      files.computeIfAbsent(base(part), key -> new ArrayList<>()).add(part);
    }
    return files;
  }

  private Path base(Part part) {
    Network network = part.found().network();
    boolean alone = parts.size() == 1;
    boolean areTwo =
        parts.stream().flatMap(any -> any.expert().stream()).anyMatch(Expert.LOW_NOISE::equals);
    if (areTwo && !alone && part.expert().isPresent()) {
      return Path.of(part.expert().get().folder(request.layout()), network.diffusersFile());
    }
    if (request.layout() == Layout.ORIGINAL) {
      return Path.of(network.originalFile(part.found().plainNames()));
    }
    return alone
        ? Path.of(network.diffusersFile())
        : Path.of(network.folder(), network.diffusersFile());
  }

  private List<Written> write() {
    Map<Path, List<Part>> files = files();
    boolean toFile = request.target().toString().endsWith(SAFETENSORS);
    if (toFile && files.size() > 1) {
      throw new CheckpointException(
          "%s: expected a folder to write %s to".formatted(request.target(), files.keySet()));
    }
    List<TensorSink> sinks = new ArrayList<>();
    List<Written> written = new ArrayList<>();
    Optional<Path> made = Folders.firstMissing(request.target().resolve("part"));
    try {
      for (Map.Entry<Path, List<Part>> file : files.entrySet()) {
        Path base =
            toFile
                ? Path.of(request.target().toString().replaceFirst("\\.safetensors$", ""))
                : request.target().resolve(file.getKey());
        written.add(write(base, file.getValue(), sinks));
      }
      sinks.forEach(TensorSink::commit);
      return written.stream().map(LayoutConversion::withIndex).toList();
    } finally {
      sinks.forEach(TensorSink::close);
      made.ifPresent(Folders::deleteEmpty);
    }
  }

  /** What the headers say, such as what the weights were trained for. */
  private static Map<String, String> header(List<Part> together) {
    Map<String, String> header = new LinkedHashMap<>();
    together.forEach(part -> header.putAll(part.tensors().metadata()));
    header.put("format", "pt");
    return header;
  }

  private Written write(Path base, List<Part> together, List<TensorSink> sinks) {
    Map<String, TensorSource> holders = new LinkedHashMap<>();
    List<TensorInfo> infos = new ArrayList<>();
    for (Part part : together) {
      Network network = part.found().network();
      boolean prefixes =
          request.layout() == Layout.ORIGINAL && (together.size() > 1 || network.keepsPrefix());
      String prefix = prefixes ? network.prefix() : "";
      TensorSource prefixed = part.tensors().renamed(name -> Optional.of(prefix + name));
      for (String name : prefixed.names()) {
        TensorInfo info = prefixed.require(name);
        infos.add(new TensorInfo(name, stored(info.dtype()), info.shape()));
        holders.put(name, prefixed);
      }
    }
    boolean oneFile = request.layout() == Layout.ORIGINAL && together.size() > 1;
    Path folder = base.toAbsolutePath().getParent();
    TensorSink sink =
        ShardedSafetensorsWriter.create(
            new ShardedSafetensorsWriter.Request(
                folder == null ? base : folder,
                String.valueOf(base.getFileName()),
                oneFile ? Long.MAX_VALUE : request.maxShardBytes(),
                infos,
                header(together)));
    sinks.add(sink);
    for (TensorInfo info : infos) {
      TensorSource holder = holders.getOrDefault(info.name(), together.get(0).tensors());
      copy(holder, info, sink);
    }
    return new Written(
        base.resolveSibling(base.getFileName() + SAFETENSORS),
        together.stream().map(part -> part.found().network()).toList(),
        together.get(0).expert(),
        infos.size(),
        infos.stream().mapToLong(TensorInfo::byteCount).sum());
  }

  /** Names the index where there is one. */
  private static Written withIndex(Written written) {
    Path index = written.file().resolveSibling(written.file().getFileName() + ".index.json");
    return Files.isRegularFile(index)
        ? new Written(
            index, written.networks(), written.expert(), written.tensors(), written.bytes())
        : written;
  }

  private DType stored(DType dtype) {
    return dtype.isFloating() ? request.dtypes().apply(dtype) : dtype;
  }

  private void copy(TensorSource source, TensorInfo target, TensorSink sink) {
    DType from = source.require(target.name()).dtype();
    scaled += source.stored(target.name()).dtype() == from ? 0 : 1;
    if (from == target.dtype()) {
      sink.copy(source, target.name());
      return;
    }
    rounding.computeIfAbsent(target.dtype(), key -> new RoundingError()).copy(source, target, sink);
  }
}
