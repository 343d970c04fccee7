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
  private final Optional<PeftForm> peft;
  private final LoraFormat format;
  private final DType dtype;
  private final LoraNaming naming;
  private final Map<String, Values> tensors = new LinkedHashMap<>();
  private final List<String> leftOut = new ArrayList<>();

  private LoraWriter(Path file, LoraWeights weights, LoraFormat format, DType dtype) {
    this.file = file;
    this.peft =
        isPefts(format)
            ? Optional.of(PeftForm.of(file.toString(), weights, format))
            : Optional.empty();
    this.weights = peft.map(PeftForm::weights).orElse(weights);
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

  private static boolean isPefts(LoraFormat format) {
    return format == LoraFormat.DIFFUSERS || format == LoraFormat.PEFT;
  }

  /**
   * Passes a LoRA whose kinds and sizes a form can hold, before another of the same is made.
   *
   * @param origin of the LoRA, for the message
   * @throws CheckpointException when it cannot
   */
  public static void requireKinds(String origin, LoraFormat format, LoraWeights weights) {
    if (isPefts(format)) {
      PeftForm.of(origin, weights, format);
    }
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
                      writePeftConfig(config, writer.peft.orElseThrow());
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
    weights.layers().forEach(this::addLayer);
    if (peft.isPresent()) {
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

  private void addLayer(String module, LayerChange change) {
    String stem = naming.stem(module);
    if (change instanceof KroneckerPair pair) {
      addKronecker(stem, pair);
    } else if (change instanceof DoraPair dora) {
      addPair(stem, dora.pair());
      if (peft.isPresent()) {
        add(stem + ".lora_magnitude_vector", dora.shapeInPeft(), dora.magnitude());
      } else {
        add(stem + ".dora_scale", dora.shapeInComfyUi(), dora.magnitude());
      }
    } else if (change instanceof LoraPair pair) {
      addPair(stem, pair);
    }
  }

  private void addPair(String stem, LoraPair pair) {
    add(stem + (peft.isPresent() ? ".lora_A" : ".lora_down") + WEIGHT, pair.shapeOfA(), pair.a());
    add(stem + (peft.isPresent() ? ".lora_B" : ".lora_up") + WEIGHT, pair.shapeOfB(), pair.b());
    // Without an alpha, ComfyUI and its readers take the scale to be 1; some refuse to find one
    // outside the blocks.
    if (peft.isEmpty() && (format != LoraFormat.COMFYUI || pair.scale() != 1)) {
      addAlpha(stem, pair.alpha());
    }
  }

  private void addAlpha(String stem, double alpha) {
    TensorInfo info = new TensorInfo(stem + ".alpha", DType.F32, List.of());
    tensors.put(info.name(), new Values(info, new float[] {(float) alpha}));
  }

  /**
   * LyCORIS wants an alpha even where both factors are in full; ComfyUI and it do not use it then,
   * musubi-tuner divides it by the larger size of w2.
   */
  private void addKronecker(String stem, KroneckerPair pair) {
    KroneckerPair own = peft.isEmpty() && pair.rank() == 0 ? pair.withScaleInside() : pair;
    KroneckerFactor w1 = own.w1();
    addFactor(stem + ".lokr_w1", w1, List.of((long) w1.rows(), (long) w1.columns()));
    addFactor(stem + ".lokr_w2", own.w2(), own.shapeOfW2());
    if (peft.isEmpty()) {
      int larger = Math.max(own.w2().rows(), own.w2().columns());
      addAlpha(stem, own.rank() == 0 ? larger : own.alpha());
    }
  }

  private void addFactor(String name, KroneckerFactor factor, List<Long> shape) {
    if (factor.isFull()) {
      add(name, shape, factor.left());
    } else {
      long rank = factor.rank();
      add(name + "_a", List.of((long) factor.rows(), rank), factor.left());
      add(name + "_b", List.of(rank, (long) factor.columns()), factor.right());
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
    peft.ifPresent(
        form -> {
          Map<String, Object> fields = new TreeMap<>();
          form.fields()
              .forEach((field, value) -> fields.put(weights.component() + "." + field, value));
          header.put(LoraFile.ADAPTER_METADATA, IndentedJson.write(fields));
        });
    return header;
  }

  private static void writePeftConfig(Path file, PeftForm form) {
    String json = IndentedJson.write(form.ofFolder()) + "\n";
    AtomicFile.write(file, json.getBytes(StandardCharsets.UTF_8));
  }
}
