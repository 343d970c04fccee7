package io.github.tpdiff.weights.lora;

import static io.github.tpdiff.weights.lora.LoraWeights.BIAS;
import static io.github.tpdiff.weights.lora.LoraWeights.WEIGHT;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.CommitLock;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Writes a LoRA in the form that a tool expects. */
public final class LoraWriter {

  /** Metadata key whose value a PEFT configuration names as the base model. */
  public static final String BASE_MODEL = "tpdiff.base_model";

  /**
   * Metadata key of the name that programs that list LoRAs show. A LoRA that has one tells them the
   * rest in every form, others in kohya's.
   */
  public static final String NAME = "ss_output_name";

  @SuppressWarnings("ArrayRecordComponent") // written once, never compared
  private record Values(TensorInfo info, float[] floats) {}

  private final Path file;
  private final LoraWeights weights;
  private final LoraFormat format;
  private final DType dtype;
  private final LoraNaming naming;
  private final Map<String, Values> tensors = new LinkedHashMap<>();
  private final List<String> leftOut = new ArrayList<>();

  private LoraWriter(Path file, LoraWeights weights, LoraFormat format, DType dtype) {
    this.file = file;
    this.weights = weights;
    this.format = format;
    this.dtype = dtype;
    this.naming = LoraNaming.of(file.toString(), format, weights.component(), weights.modules());
  }

  /**
   * Writes a LoRA; the same weights make the same bytes.
   *
   * @param path the file, or for {@link LoraFormat#PEFT} the folder
   * @param dtype of the numbers: F32, F16 or BF16
   * @return what readers of this form may not do as expected, one line each
   * @throws CheckpointException when the form cannot hold this LoRA or is only read, or the type
   *     cannot hold a number
   */
  public static List<String> write(Path path, LoraWeights weights, LoraFormat format, DType dtype) {
    boolean peft = format == LoraFormat.PEFT;
    Path file = peft ? path.resolve(LoraFile.PEFT_WEIGHTS) : path;
    LoraWriter writer = new LoraWriter(file, weights, format, dtype);
    writer.addTensors();
    if (peft) {
      writePeft(path, writer);
    } else {
      writer.write(SafetensorsWriter::commit);
    }
    List<String> cautions = new ArrayList<>(LoraCautions.of(weights, format));
    writer.leftOut.stream()
        .limit(1)
        .forEach(
            first ->
                cautions.add(
                    "left out %d changes in full that the form %s cannot hold, such as of %s"
                        .formatted(writer.leftOut.size(), format, first)));
    return cautions;
  }

  /**
   * Passes modules that a form has names for, before there is anything to write.
   *
   * @param origin what asks for the form, for the message
   * @throws CheckpointException naming the first module that it has no name for
   */
  public static void requireNames(
      String origin, LoraFormat format, String component, Collection<String> modules) {
    LoraNaming naming = LoraNaming.of(origin, format, component, modules);
    modules.forEach(naming::stem);
  }

  /**
   * The configuration goes before the weights change and comes after them: whatever interrupts
   * that, no configuration stands beside weights of another.
   */
  private static void writePeft(Path folder, LoraWriter writer) {
    Path config = folder.resolve(LoraFile.PEFT_CONFIG);
    writer.write(
        weights ->
            new CommitLock(folder, LoraFile.PEFT_WEIGHTS)
                .run(
                    () -> {
                      delete(config);
                      weights.commit();
                      writePeftConfig(config, writer.weights);
                    }));
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be deleted: %s".formatted(file, failure), failure);
    }
  }

  private void write(Consumer<SafetensorsWriter> commit) {
    List<TensorInfo> infos = tensors.values().stream().map(Values::info).toList();
    RoundingError rounding = new RoundingError();
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, infos, header())) {
      for (Values values : tensors.values()) {
        TensorInfo info = values.info();
        int size = info.dtype().bytes();
        writer.fill(
            info.name(),
            (offset, chunk) -> {
              int first = (int) (offset / size);
              float[] part =
                  Arrays.copyOfRange(values.floats(), first, first + chunk.remaining() / size);
              rounding.encode(file.toString(), info, part, chunk);
            });
      }
      commit.accept(writer);
    }
  }

  private void addTensors() {
    weights.pairs().forEach(this::addPair);
    if (peftNames()) {
      addBiasesOfB();
    } else {
      weights.full().forEach(this::addFull);
    }
    if (tensors.isEmpty()) {
      throw new CheckpointException(
          "%s: the form %s holds none of this LoRA's changes, such as of %s; write it as COMFYUI"
              .formatted(file, format, weights.full().keySet().iterator().next()));
    }
  }

  private boolean peftNames() {
    return format == LoraFormat.DIFFUSERS || format == LoraFormat.PEFT;
  }

  private void addPair(String module, LoraPair pair) {
    String stem = naming.stem(module);
    add(stem + (peftNames() ? ".lora_A" : ".lora_down") + WEIGHT, pair.shapeOfA(), pair.a());
    add(stem + (peftNames() ? ".lora_B" : ".lora_up") + WEIGHT, pair.shapeOfB(), pair.b());
    // Without an alpha, ComfyUI and its readers take the scale to be 1; some refuse to find one
    // outside the blocks.
    if (!peftNames() && (format != LoraFormat.COMFYUI || pair.scale() != 1)) {
      TensorInfo info = new TensorInfo(stem + ".alpha", DType.F32, List.of());
      tensors.put(info.name(), new Values(info, new float[] {(float) pair.alpha()}));
    }
  }

  /**
   * PEFT has the bias of B for a change of the layer's own, in all of its layers or in none, and
   * scales it.
   */
  private void addBiasesOfB() {
    Map<String, FullChange> biases = weights.biasesBesidePairs();
    weights.full().keySet().stream()
        .filter(tensor -> !tensor.endsWith(BIAS) || !biases.containsKey(moduleOf(tensor, BIAS)))
        .forEach(leftOut::add);
    if (biases.isEmpty()) {
      return;
    }
    weights
        .pairs()
        .forEach(
            (module, pair) -> {
              float[] values = new float[pair.out()];
              Optional.ofNullable(biases.get(module))
                  .ifPresent(change -> change.addTo(values, 0, 1 / pair.scale()));
              add(naming.stem(module) + ".lora_B.bias", List.of((long) pair.out()), values);
            });
  }

  /** ComfyUI knows tensors that are no module's by their whole names, kohya's tools do not. */
  private void addFull(String tensor, FullChange change) {
    if (tensor.endsWith(WEIGHT)) {
      add(naming.stem(moduleOf(tensor, WEIGHT)) + ".diff", change.shape(), change.values());
    } else if (tensor.endsWith(BIAS)) {
      add(naming.stem(moduleOf(tensor, BIAS)) + ".diff_b", change.shape(), change.values());
    } else if (format == LoraFormat.COMFYUI) {
      add(naming.stem(tensor) + ".diff", change.shape(), change.values());
    } else {
      leftOut.add(tensor);
    }
  }

  private static String moduleOf(String tensor, String ending) {
    return tensor.substring(0, tensor.length() - ending.length());
  }

  private void add(String name, List<Long> shape, float[] values) {
    tensors.put(name, new Values(new TensorInfo(name, dtype, shape), values));
  }

  private Map<String, String> header() {
    Map<String, String> header = new TreeMap<>(weights.metadata());
    header.put("format", "pt");
    if (format == LoraFormat.KOHYA || header.containsKey(NAME)) {
      KohyaMetadata.of(weights, file).forEach(header::putIfAbsent);
    }
    if (peftNames()) {
      Map<String, Object> fields = new TreeMap<>();
      AdapterConfig.fields(weights)
          .forEach((field, value) -> fields.put(weights.component() + "." + field, value));
      header.put(LoraFile.ADAPTER_METADATA, IndentedJson.write(fields));
    }
    return header;
  }

  private static void writePeftConfig(Path file, LoraWeights weights) {
    Map<String, Object> fields = new LinkedHashMap<>(AdapterConfig.fields(weights));
    fields.put("base_model_name_or_path", weights.metadata().getOrDefault(BASE_MODEL, ""));
    fields.put("inference_mode", true);
    String json = IndentedJson.write(new TreeMap<>(fields)) + "\n";
    AtomicFile.write(file, json.getBytes(StandardCharsets.UTF_8));
  }
}
