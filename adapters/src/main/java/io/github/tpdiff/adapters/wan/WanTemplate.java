package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.pipeline.CheckpointTemplate;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.safetensors.ShardedSafetensorsWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * One size of Wan, written in diffusers' layout.
 *
 * @param codec what takes the place of random weights in the autoencoder, if anything does
 */
record WanTemplate(
    String description, WanSizes sizes, List<WanComponent> standard, Optional<LinearCodec> codec)
    implements CheckpointTemplate {
  /** What diffusers cuts checkpoints into. */
  private static final long SHARD_BYTES = 5_000_000_000L;

  private static final long SEED = 20250214;

  @Override
  public List<String> components() {
    return names(Arrays.asList(WanComponent.values()));
  }

  @Override
  public List<String> defaultComponents() {
    return names(standard);
  }

  private static List<String> names(List<WanComponent> components) {
    return components.stream().map(WanFolder::subfolder).toList();
  }

  @Override
  public void write(Order order) {
    if (!List.of(DType.F32, DType.F16, DType.BF16).contains(order.dtype())) {
      throw new CheckpointException("dtype: expected F32, F16 or BF16, found " + order.dtype());
    }
    requireEmpty(order.folder());
    var plans = new LinkedHashMap<WanComponent, List<TensorInfo>>();
    order.components().forEach(name -> plans.put(component(name), infos(name, order.dtype())));
    var writing = new Writing(order, total(plans));
    plans.forEach(writing::component);
    if (plans.containsKey(WanComponent.TEXT_ENCODER)) {
      writeTokenizer(order.folder().resolve("tokenizer"));
    }
    writeJson(order.folder().resolve("scheduler/scheduler_config.json"), WanDefaults.SCHEDULER);
    writeJson(order.folder().resolve("model_index.json"), WanSizes.modelIndex());
  }

  private static long total(Map<WanComponent, List<TensorInfo>> plans) {
    return plans.values().stream().flatMap(List::stream).mapToLong(TensorInfo::byteCount).sum();
  }

  private static void requireEmpty(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      if (files.findAny().isPresent()) {
        throw new CheckpointException(
            folder + ": expected a new or empty folder, found files in it; name another");
      }
    } catch (IOException e) {
      throw new CheckpointException(folder + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private WanComponent component(String name) {
    return Arrays.stream(WanComponent.values())
        .filter(c -> WanFolder.subfolder(c).equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "components: expected some of %s, found %s".formatted(components(), name)));
  }

  private List<TensorInfo> infos(String name, DType dtype) {
    var shapes = new LinkedHashMap<String, Value>();
    for (Program program : sizes.programs(component(name))) {
      program.weights().forEach(shapes::putIfAbsent);
    }
    return shapes.entrySet().stream()
        .map(e -> new TensorInfo(e.getKey(), dtype, extents(e.getValue())))
        .toList();
  }

  private static List<Long> extents(Value weight) {
    return Arrays.stream(weight.shape().evaluate(Map.of())).boxed().toList();
  }

  private static void writeTokenizer(Path folder) {
    try {
      WanSizes.tokenizer().write(folder);
    } catch (IOException e) {
      throw new CheckpointException(folder + ": cannot be written: " + e.getMessage(), e);
    }
  }

  private static void writeJson(Path file, Map<String, ?> fields) {
    String text = IndentedJson.write(new TreeMap<>(fields)) + "\n";
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** A checkpoint on its way to disk. */
  private final class Writing {
    private final Order order;
    private final long total;
    private final MadeUpWeights random;
    private long written;

    Writing(Order order, long total) {
      this.order = order;
      this.total = total;
      this.random = new MadeUpWeights(order.dtype(), SEED);
    }

    void component(WanComponent component, List<TensorInfo> infos) {
      Path folder = order.folder().resolve(WanFolder.subfolder(component));
      String base = component == WanComponent.TEXT_ENCODER ? "model" : "diffusion_pytorch_model";
      var plan =
          new ShardedSafetensorsWriter.Plan(
              folder, base, SHARD_BYTES, infos, Map.of("format", "pt"));
      try (var sink = ShardedSafetensorsWriter.create(plan)) {
        for (TensorInfo info : infos) {
          sink.fill(info.name(), payload(component, info));
          written += info.byteCount();
          order.progress().written(written, total);
        }
        sink.commit();
      }
      writeJson(
          folder.resolve("config.json"),
          sizes.config(component, order.dtype().name().toLowerCase(Locale.ROOT)));
    }

    private TensorSink.Payload payload(WanComponent component, TensorInfo info) {
      return codec
          .filter(c -> component == WanComponent.VAE)
          .flatMap(c -> c.find(info))
          .map(random::values)
          .orElseGet(() -> random.payload(info));
    }
  }
}
