package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A checkpoint of eight-bit floats with scales, beside the same with every weight multiplied. */
class ScaledCheckpointTest {
  @TempDir private static Path folder;
  private static Path model;

  /** The two files of a component. */
  private record Pair(Path scaled, Path plain) {}

  private static Pair transformer;
  private static Pair textEncoder;

  @BeforeAll
  static void make() throws IOException {
    model = folder.resolve("model");
    Invocation.of("new-checkpoint", "wan-tiny", model, "--dtype", "f32");
    Path original = folder.resolve("original");
    Invocation.of("convert", model, original, "--to", "original");
    // Beside the files made of it: no tensor tells the number of heads.
    Files.copy(model.resolve("transformer/config.json"), folder.resolve("config.json"));
    transformer =
        pair(
            "transformer", original.resolve("diffusion_pytorch_model.safetensors"), "weight_scale");
    textEncoder = pair("text_encoder", model.resolve("text_encoder"), "scale_weight");
  }

  private static Pair pair(String name, Path from, String suffix) {
    var scaled = MemoryTensors.builder();
    var plain = MemoryTensors.builder();
    int count = 0;
    try (TensorSource source = Checkpoint.open(from)) {
      for (String tensor : source.names()) {
        TensorInfo info = source.require(tensor);
        float[] values = source.floats(tensor);
        if (!tensor.endsWith(".weight") || info.shape().size() != 2) {
          scaled.addFloats(tensor, info.shape(), values);
          plain.addFloats(tensor, info.shape(), values);
          continue;
        }
        float largest = 0;
        for (float value : values) {
          largest = Math.max(largest, Math.abs(value));
        }
        float scale = largest / (448 - ++count % 50);
        ByteBuffer codes = ByteBuffer.allocate(values.length);
        float[] quotients = new float[values.length];
        for (int i = 0; i < values.length; i++) {
          quotients[i] = values[i] / scale;
        }
        FloatCodec.encode(FloatBuffer.wrap(quotients), DType.F8_E4M3, codes);
        float[] products = FloatCodec.decode(DType.F8_E4M3, codes.flip());
        for (int i = 0; i < products.length; i++) {
          products[i] *= scale;
        }
        scaled.add(new TensorInfo(tensor, DType.F8_E4M3, info.shape()), codes);
        String module = tensor.substring(0, tensor.length() - "weight".length());
        scaled.addFloats(module + suffix, List.of(), scale);
        plain.addFloats(tensor, info.shape(), products);
      }
    }
    Pair pair =
        new Pair(
            folder.resolve(name + "-scaled.safetensors"),
            folder.resolve(name + "-plain.safetensors"));
    SafetensorsWriter.write(pair.scaled(), scaled.build());
    SafetensorsWriter.write(pair.plain(), plain.build());
    return pair;
  }

  @Test
  void converted_isTheProductInEveryBit() {
    Path out = folder.resolve("out.safetensors");
    var run = Invocation.of("convert", transformer.scaled(), out, "--to", "original");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out()).contains("tensors of eight-bit floats were multiplied by their scales");
    assertSame(transformer.plain(), out);
  }

  @Test
  void inspected_saysThatThereAreScales() {
    var run = Invocation.of("inspect", transformer.scaled());
    assertThat(run.exitCode()).as(run.out()).isZero();
    assertThat(run.out()).contains("F8_E4M3 with scales, read as F32").doesNotContain("left over");
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "onnx"})
  void generated_isTheSameAsFromTheProducts(String engine) throws IOException {
    assertThat(generate(engine, transformer.scaled(), textEncoder.scaled()))
        .isEqualTo(generate(engine, transformer.plain(), textEncoder.plain()));
  }

  private byte[] generate(String engine, Path unet, Path text) throws IOException {
    Path out = folder.resolve("out.mp4");
    var run =
        Invocation.of(
            "generate",
            model,
            "--part",
            "transformer=" + unet,
            "--part",
            "text_encoder=" + text,
            "--engine",
            engine,
            "--prompt",
            "a red ball",
            "--size",
            "32x32",
            "--frames",
            "5",
            "--steps",
            "2",
            "--seed",
            "3",
            "-o",
            out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    return Files.readAllBytes(out);
  }

  @Test
  void mergedInto_isTheSameAsMergedIntoTheProducts() {
    Path lora = folder.resolve("lora.safetensors");
    SafetensorsWriter.write(
        lora,
        MemoryTensors.builder()
            .addFloats("transformer.blocks.0.attn1.to_q.lora_A.weight", List.of(1L, 96L), ramp())
            .addFloats("transformer.blocks.0.attn1.to_q.lora_B.weight", List.of(96L, 1L), ramp())
            .build());
    Path scaled = folder.resolve("merged-scaled.safetensors");
    Path plain = folder.resolve("merged-plain.safetensors");
    for (var run :
        List.of(
            Invocation.of("lora", "merge", transformer.scaled(), lora, scaled),
            Invocation.of("lora", "merge", transformer.plain(), lora, plain))) {
      assertThat(run.exitCode()).as(run.err()).isZero();
    }
    assertSame(plain, scaled);

    Path extracted = folder.resolve("extracted.safetensors");
    var run =
        Invocation.of("lora", "extract", transformer.scaled(), scaled, extracted, "--rank", 1);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("1 modules");
  }

  private static float[] ramp() {
    float[] values = new float[96];
    for (int i = 0; i < values.length; i++) {
      values[i] = i / 96f;
    }
    return values;
  }

  private static void assertSame(Path expected, Path found) {
    try (TensorSource one = SafetensorsFile.open(expected);
        TensorSource other = SafetensorsFile.open(found)) {
      assertThat(other.names()).containsExactlyInAnyOrderElementsOf(one.names());
      for (String name : one.names()) {
        assertThat(other.require(name)).isEqualTo(one.require(name));
        assertThat(other.bytes(name).order(ByteOrder.LITTLE_ENDIAN)).isEqualTo(one.bytes(name));
      }
    }
  }
}
