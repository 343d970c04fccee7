package io.github.tpdiff.adapters.madeup;

import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.AtomicFolder;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.safetensors.ShardedSafetensorsWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One size of a model, written in the published layout with made-up weights.
 *
 * @param description one line for the user
 * @param parts all that can be written
 * @param standard folders of the parts that are written unless the user says otherwise
 * @param scale of random tensors
 * @param surroundings what lies beside the parts
 */
public record MadeUpCheckpoint(
    String description,
    List<MadeUpPart> parts,
    List<String> standard,
    MadeUpWeights.Scale scale,
    Surroundings surroundings)
    implements CheckpointTemplate {
  /** What diffusers cuts checkpoints into. */
  private static final long SHARD_BYTES = 5_000_000_000L;

  private static final long SEED = 20250214;

  /**
   * Files beside the parts.
   *
   * @param files fields of JSON files, by their paths
   * @param tokenizers in the order of their text encoders
   * @param defaults of what is generated; empty for those of the published models
   */
  public record Surroundings(
      Map<String, Map<String, ?>> files,
      List<MadeUpTokenizer> tokenizers,
      Optional<ModelDescription.Defaults> defaults) {
    public Surroundings {
      files = Map.copyOf(files);
      tokenizers = List.copyOf(tokenizers);
    }
  }

  public MadeUpCheckpoint {
    parts = List.copyOf(parts);
    standard = List.copyOf(standard);
  }

  @Override
  public List<String> components() {
    return parts.stream().map(MadeUpPart::folder).toList();
  }

  @Override
  public List<String> defaultComponents() {
    return standard;
  }

  @Override
  public void write(Order order) {
    if (!List.of(DType.F32, DType.F16, DType.BF16).contains(order.dtype())) {
      throw new CheckpointException("dtype: expected F32, F16 or BF16, found " + order.dtype());
    }
    var plans = new LinkedHashMap<MadeUpPart, List<TensorInfo>>();
    for (String name : order.components()) {
      MadeUpPart part = part(name);
      plans.put(part, part.tensors(order.dtype()));
    }
    try (var folder = AtomicFolder.create(order.folder())) {
      Path root = folder.path();
      var writing = new Writing(order, root, total(plans));
      plans.forEach(writing::part);
      for (MadeUpTokenizer tokenizer : surroundings.tokenizers()) {
        if (order.components().contains(tokenizer.encoder())) {
          tokenizer.write(root);
        }
      }
      surroundings.files().forEach((file, fields) -> writeJson(root.resolve(file), fields));
      surroundings
          .defaults()
          .ifPresent(own -> RecordJson.DEFAULTS.write(root.resolve(RecordJson.DEFAULTS_FILE), own));
      folder.commit();
    }
  }

  private static long total(Map<MadeUpPart, List<TensorInfo>> plans) {
    return plans.values().stream().flatMap(List::stream).mapToLong(TensorInfo::byteCount).sum();
  }

  private MadeUpPart part(String name) {
    return parts.stream()
        .filter(part -> part.folder().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "components: expected some of %s, found %s".formatted(components(), name)));
  }

  private static void writeJson(Path file, Map<String, ?> fields) {
    String text = IndentedJson.write(new TreeMap<>(fields)) + "\n";
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** A checkpoint on its way to disk. */
  private final class Writing {
    private final Order order;
    private final Path root;
    private final long total;
    private final MadeUpWeights random;
    private long written;

    Writing(Order order, Path root, long total) {
      this.order = order;
      this.root = root;
      this.total = total;
      this.random = new MadeUpWeights(order.dtype(), SEED, scale);
    }

    void part(MadeUpPart part, List<TensorInfo> infos) {
      Path folder = root.resolve(part.folder());
      var plan =
          new ShardedSafetensorsWriter.Request(
              folder, part.file(), SHARD_BYTES, infos, Map.of("format", "pt"));
      try (var sink = ShardedSafetensorsWriter.create(plan)) {
        for (TensorInfo info : infos) {
          sink.fill(info.name(), payload(part, info));
          written += info.byteCount();
          order.progress().written(written, total);
        }
        sink.commit();
      }
      writeJson(folder.resolve("config.json"), config(part));
    }

    /** Transformers records the type in its configurations, diffusers does not. */
    private Map<String, Object> config(MadeUpPart part) {
      Map<String, Object> fields = new TreeMap<>(part.config());
      if (fields.containsKey("architectures")) {
        fields.put(
            "torch_dtype",
            switch (order.dtype()) {
              case F16 -> "float16";
              case BF16 -> "bfloat16";
              default -> "float32";
            });
      }
      return fields;
    }

    private TensorSink.Payload payload(MadeUpPart part, TensorInfo info) {
      return part.values().find(info).map(random::values).orElseGet(() -> random.payload(info));
    }
  }
}
