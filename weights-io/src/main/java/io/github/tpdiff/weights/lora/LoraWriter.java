package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.CommitLock;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.layout.Network;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

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
      writePeft(path, new LoraWriter(path.resolve(LoraFile.PEFT_WEIGHTS), weights, format, dtype));
    } else {
      new LoraWriter(path, weights, format, dtype).write(SafetensorsWriter::commit);
    }
    return LoraCautions.of(weights, format);
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
      commit.accept(writer);
    }
  }

  private void addPair(String module, LoraPair pair) {
    boolean peftNames = format == LoraFormat.DIFFUSERS || format == LoraFormat.PEFT;
    String stem = stem(module);
    add(
        new TensorInfo(
            stem + (peftNames ? ".lora_A.weight" : ".lora_down.weight"), dtype, pair.shapeOfA()),
        pair.a());
    add(
        new TensorInfo(
            stem + (peftNames ? ".lora_B.weight" : ".lora_up.weight"), dtype, pair.shapeOfB()),
        pair.b());
    // Without an alpha, ComfyUI and its readers take the scale to be 1; some refuse to find one
    // outside the blocks.
    if (!peftNames && (format != LoraFormat.COMFYUI || pair.scale() != 1)) {
      addAlpha(stem + ".alpha", pair.alpha());
    }
  }

  private void addAlpha(String name, double alpha) {
    FloatBuffer value = FloatBuffer.wrap(new float[] {(float) alpha});
    tensors.put(name, new Values(new TensorInfo(name, DType.F32, List.of()), value));
  }

  private void add(TensorInfo info, float[] values) {
    tensors.put(info.name(), new Values(info, FloatBuffer.wrap(values)));
  }

  private String stem(String module) {
    return switch (format) {
      case DIFFUSERS -> weights.component() + "." + module;
      case PEFT -> "base_model.model." + module;
      case COMFYUI -> "diffusion_model." + original(module);
      case KOHYA -> "lora_unet_" + kohya(module).replace('.', '_');
      case DIFFSYNTH, DOWN_UP ->
          throw new CheckpointException(
              "%s: LoRA files of form %s are read, never written".formatted(file, format));
    };
  }

  /** Kohya's tools name the layers of Stable Diffusion as diffusers does, those of Wan do not. */
  private String kohya(String module) {
    boolean stableDiffusion =
        weights.component().equals("unet") && Network.SD_UNET.keys().toOriginal(module).isPresent();
    return stableDiffusion ? module : original(module);
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
    if (format == LoraFormat.DIFFUSERS || format == LoraFormat.PEFT) {
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
