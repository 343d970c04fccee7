package io.github.tpdiff.cli;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.OpenCheckpoints;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Stranger;
import io.github.tpdiff.weights.lora.LoraFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What files of tensors hold, by the names of the tensors alone. */
final class TensorInspection {
  private TensorInspection() {}

  /**
   * Looks at a LoRA, at a file of tensors, or at all those of a folder.
   *
   * @throws CheckpointException if there is none or one is damaged
   */
  static Map<String, Object> of(Path path) {
    if (Files.isRegularFile(path.resolve("adapter_config.json"))
        || Files.isRegularFile(path.resolve("pytorch_lora_weights.safetensors"))) {
      return LoraCommand.describe(path, LoraFile.read(path));
    }
    try (OpenCheckpoints opened = OpenCheckpoints.in(path)) {
      List<TensorSource> sources = List.copyOf(opened.byFile().values());
      if (sources.size() == 1 && isLora(sources.get(0))) {
        return LoraCommand.describe(path, LoraFile.read(path));
      }
      var fields = new LinkedHashMap<String, Object>();
      fields.put("path", path.toString());
      fields.put("kind", "tensors");
      if (sources.size() == 1) {
        fields.putAll(tensors(sources.get(0)));
      } else {
        var files = new LinkedHashMap<String, Object>();
        opened
            .byFile()
            .forEach(
                (file, source) -> files.put(path.relativize(file).toString(), tensors(source)));
        fields.put("files", files);
      }
      return fields;
    }
  }

  private static boolean isLora(TensorSource source) {
    return source.names().stream()
        .anyMatch(
            name ->
                name.toLowerCase(Locale.ROOT).contains("lora")
                    || name.matches("(?s).*\\.diff(_[bm])?"));
  }

  private static Map<String, Object> tensors(TensorSource source) {
    var fields = new LinkedHashMap<String, Object>();
    Contents contents = Contents.of(source.names());
    Stranger.find(source).ifPresent(stranger -> fields.put("not run", stranger));
    if (!contents.networks().isEmpty()) {
      fields.put("networks", networks(contents));
      if (!contents.leftOver().isEmpty()) {
        fields.put("left over", contents.leftOver());
      }
    }
    fields.putAll(summary(source));
    if (!contents.networks().isEmpty()) {
      fields.put("use", List.of("tpdiff convert"));
    }
    if (!source.metadata().isEmpty()) {
      fields.put("metadata", new TreeMap<>(source.metadata()));
    }
    return fields;
  }

  /** Whose names the networks in a folder have. */
  static String layouts(Path path) {
    var layouts = new TreeSet<String>();
    try (OpenCheckpoints opened = OpenCheckpoints.in(path)) {
      for (TensorSource source : opened.byFile().values()) {
        for (FoundNetwork found : Contents.of(source.names()).networks()) {
          layouts.add(found.layout().name().toLowerCase(Locale.ROOT));
        }
      }
    }
    return layouts.isEmpty() ? "unknown" : String.join(" and ", layouts);
  }

  private static Map<String, Object> networks(Contents contents) {
    var fields = new LinkedHashMap<String, Object>();
    for (FoundNetwork found : contents.networks()) {
      var network = new LinkedHashMap<String, Object>();
      network.put("layout", found.layout().name().toLowerCase(Locale.ROOT));
      if (!found.prefix().isEmpty()) {
        network.put("prefix", found.prefix());
      }
      network.put("tensors", found.names().size());
      List<String> missing = found.missing();
      if (!missing.isEmpty()) {
        network.put(Inspection.MISSING, missing);
      }
      fields.put(found.network().label(), network);
    }
    return fields;
  }

  private static String type(TensorInfo read, TensorInfo stored) {
    return read.dtype() == stored.dtype()
        ? read.dtype().name()
        : "%s with scales, read as %s".formatted(stored.dtype(), read.dtype());
  }

  /** Counts and sizes; bytes are those of the file. */
  static Map<String, Object> summary(TensorSource source) {
    var fields = new LinkedHashMap<String, Object>();
    var types = new TreeMap<String, Long>();
    long parameters = 0;
    long bytes = 0;
    for (String name : source.names()) {
      TensorInfo info = source.require(name);
      types.merge(type(info, source.stored(name)), 1L, Long::sum);
      parameters += info.elementCount();
      bytes += source.stored(name).byteCount();
    }
    fields.put("file", source.origin());
    fields.put("tensors", source.names().size());
    fields.put("dtypes", types);
    fields.put("parameters", parameters);
    fields.put("bytes", bytes);
    return fields;
  }
}
