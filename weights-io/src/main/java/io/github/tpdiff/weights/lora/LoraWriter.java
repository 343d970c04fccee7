package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.layout.Network;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Writes a LoRA in the form that a tool expects. */
public final class LoraWriter {

  /** Metadata key whose value a PEFT configuration names as the base model. */
  public static final String BASE_MODEL = "tpdiff.base_model";

  private record Values(TensorInfo info, FloatBuffer floats) {}

  private final Path file;
  private final LoraWeights weights;
  private final LoraFormat format;
  private final DType dtype;
  private final Map<String, Values> tensors = new LinkedHashMap<>();

  private LoraWriter(Path file, LoraWeights weights, LoraFormat format, DType dtype) {
    this.file = file;
    this.weights = weights;
    this.format = format;
    this.dtype = dtype;
  }

  /**
   * Writes a LoRA; the same weights make the same bytes.
   *
   * @param path the file, or for {@link LoraFormat#PEFT} the folder
   * @param dtype of A and B: F32, F16 or BF16
   * @return what readers of this form may not do as expected, one line each
   * @throws CheckpointException when the form cannot hold this LoRA or is only read
   */
  public static List<String> write(Path path, LoraWeights weights, LoraFormat format, DType dtype) {
    if (format == LoraFormat.PEFT) {
      new LoraWriter(path.resolve(LoraFile.PEFT_WEIGHTS), weights, format, dtype).write();
      writePeftConfig(path.resolve(LoraFile.PEFT_CONFIG), weights);
    } else {
      new LoraWriter(path, weights, format, dtype).write();
    }
    return cautions(weights, format);
  }

  private void write() {
    weights.pairs().forEach(this::addPair);
    List<TensorInfo> infos = tensors.values().stream().map(Values::info).toList();
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, infos, header())) {
      for (Values values : tensors.values()) {
        int size = values.info().dtype().bytes();
        writer.fill(
            values.info().name(),
            (offset, chunk) ->
                FloatCodec.encode(
                    values.floats().slice((int) (offset / size), chunk.remaining() / size),
                    values.info().dtype(),
                    chunk));
      }
      writer.commit();
    }
  }

  private void addPair(String module, LoraPair pair) {
    boolean peftNames = format == LoraFormat.DIFFUSERS || format == LoraFormat.PEFT;
    String stem = stem(module);
    long rank = pair.rank();
    add(
        new TensorInfo(
            stem + (peftNames ? ".lora_A.weight" : ".lora_down.weight"),
            dtype,
            List.of(rank, (long) pair.in())),
        pair.a());
    add(
        new TensorInfo(
            stem + (peftNames ? ".lora_B.weight" : ".lora_up.weight"),
            dtype,
            List.of((long) pair.out(), rank)),
        pair.b());
    if (!peftNames) {
      add(new TensorInfo(stem + ".alpha", DType.F32, List.of()), (float) pair.alpha());
    }
  }

  private void add(TensorInfo info, float... values) {
    tensors.put(info.name(), new Values(info, FloatBuffer.wrap(values)));
  }

  private String stem(String module) {
    return switch (format) {
      case DIFFUSERS -> weights.component() + "." + module;
      case PEFT -> "base_model.model." + module;
      case COMFYUI -> "diffusion_model." + original(module);
      case KOHYA -> "lora_unet_" + original(module).replace('.', '_');
      case DIFFSYNTH, DOWN_UP ->
          throw new CheckpointException(
              "%s: LoRA files of form %s are read, never written".formatted(file, format));
    };
  }

  private String original(String module) {
    return Network.WAN_TRANSFORMER
        .keys()
        .toOriginal(module)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: module '%s' has no name in the form %s; write it as DIFFUSERS or PEFT"
                        .formatted(file, module, format)));
  }

  private Map<String, String> header() {
    Map<String, String> header = new TreeMap<>(weights.metadata());
    header.put("format", "pt");
    if (format == LoraFormat.DIFFUSERS) {
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

  /** diffusers reads a kohya file of Wan as if every block had all its ten layers. */
  private static List<String> cautions(LoraWeights weights, LoraFormat format) {
    if (format != LoraFormat.KOHYA) {
      return List.of();
    }
    Set<String> missing = new HashSet<>();
    Set<String> modules = weights.pairs().keySet();
    for (String module : modules) {
      if (module.startsWith("blocks.")) {
        String block = module.substring(0, module.indexOf('.', "blocks.".length()));
        for (String attention : List.of(".attn1", ".attn2")) {
          for (String layer : List.of(".to_q", ".to_k", ".to_v", ".to_out.0")) {
            missing.add(block + attention + layer);
          }
        }
        missing.add(block + ".ffn.net.0.proj");
        missing.add(block + ".ffn.net.2");
      }
    }
    missing.removeAll(modules);
    return missing.stream()
        .sorted()
        .findFirst()
        .map(
            module ->
                "diffusers expects kohya files to hold every layer of a block; %d are missing, such as %s"
                    .formatted(missing.size(), module))
        .stream()
        .toList();
  }
}
