package io.github.tpdiff.runtime.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.onnx.ExportRequest.Loras;
import io.github.tpdiff.runtime.onnx.ExportRequest.Weights;
import io.github.tpdiff.runtime.pipeline.PartsComparison.PartError;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ExportedFolderTest {
  private static final StageConfig STAGES =
      StageConfig.pyramid(3, FrameResampling.sharedFirstFrame());

  private @TempDir Path folder = Path.of("");
  private Path checkpoint = Path.of("");
  private Path tokenizer = Path.of("");

  @BeforeEach
  void writeCheckpoint() throws IOException {
    checkpoint = folder.resolve("checkpoint.safetensors");
    SafetensorsWriter.write(checkpoint, tensors(1));
    tokenizer = Files.createDirectory(folder.resolve("tokens"));
    Files.writeString(tokenizer.resolve("tokenizer.json"), "{}");
  }

  /** Values that BF16 and F16 hold exactly. */
  private static MemoryTensors tensors(float factor) {
    return MemoryTensors.builder()
        .add(info("denoise.weight"), bf16(factor * 1, 2, 3, 4))
        .add(info("condition.weight"), bf16(0, 1, 1, 0))
        .build();
  }

  private static TensorInfo info(String name) {
    return new TensorInfo(name, DType.BF16, List.of(2L, 2L));
  }

  private static ByteBuffer bf16(float... values) {
    var bytes = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.encode(FloatBuffer.wrap(values), DType.BF16, bytes);
    return bytes.flip();
  }

  private static float[] run(Path exported) {
    try (var engine = OnnxEngine.on(OnnxDevice.CPU);
        var parts = ExportedFolder.open(exported, engine);
        Executable conditioning = parts.load(TinyModel.CONDITIONING);
        Executable denoiser = parts.load(TinyModel.DENOISER);
        Executable bound =
            denoiser.bind(
                conditioning.run(
                    Map.of("encoder_hidden_states", Tensor.ofFloats(new float[] {10, 20}, 2))))) {
      assertEquals(Set.of(TinyModel.CONDITIONING, TinyModel.DENOISER), parts.components());
      // The boundaries of the checkpoint's own schedule, 3u / (1 + 2u), said for any other.
      assertEquals(STAGES, parts.stages().withBoundaries(List.of()));
      assertEquals(6.0 / 7, parts.stages().boundaries().get(0), 1e-12);
      assertEquals(0.6, parts.stages().boundaries().get(1), 1e-12);
      assertEquals("tiny", parts.description().family());
      var results =
          bound.run(Map.of("hidden_states", Tensor.ofFloats(new float[] {1, 1, 1, 0}, 1, 2, 2)));
      return Objects.requireNonNull(results.get("out_hidden_states")).toFloatArray();
    }
  }

  /** What activations take is not in a graph, so the folder says it. */
  @Test
  void memoryOfAPass_isKnownOfAnExport() throws IOException {
    Path target = folder.resolve("priced");
    try (var model = TinyModel.of(SafetensorsFile.open(checkpoint), tokenizer);
        var engine = OnnxEngine.on(OnnxDevice.CPU)) {
      ExportedFolder.write(model, target, ExportRequest.of(STAGES));
      try (var parts = ExportedFolder.open(target, engine)) {
        double bytes = parts.description().flow().denoisers().get(0).bytesPerLatent().orElseThrow();
        // 2 frames of 2 x 2 latents: at least the 4 numbers that go in and the 4 that come out.
        assertTrue(bytes * 8 >= 4 * (4 + 4), "found " + bytes);
        assertTrue(parts.allows(TinyModel.DENOISER, new LatentShape(1, 1, 2, 2, 2)));
        assertFalse(parts.allows("another", new LatentShape(1, 1, 2, 2, 2)));
      }
      Path description = target.resolve("tpdiff_pipeline.json");
      String text = Files.readString(description);
      String larger =
          text.replaceAll("\"bytes_per_latent\": [0-9.]+", "\"bytes_per_latent\": 1e15");
      assertNotEquals(text, larger);
      Files.writeString(description, larger);
      try (var parts = ExportedFolder.open(target, engine)) {
        assertFalse(parts.allows(TinyModel.DENOISER, new LatentShape(1, 1, 2, 2, 2)));
      }
    }
  }

  private static Set<String> files(Path root) throws IOException {
    var names = new TreeSet<String>();
    try (Stream<Path> files = Files.walk(root)) {
      files
          .filter(Files::isRegularFile)
          .forEach(file -> names.add(root.relativize(file).toString().replace('\\', '/')));
    }
    return names;
  }

  @ParameterizedTest
  @CsvSource({
    "KEEP, COPY, FUSED",
    "FP16, COPY, STANDARD",
    "FP32, IN_PLACE, FUSED",
    "KEEP, IN_PLACE, STANDARD"
  })
  void exportedModelRunsAloneAfterItsCheckpointIsGone(
      Precision precision, Weights weights, OnnxFlavour flavour) throws IOException {
    Path target = folder.resolve("out").resolve("model");
    var request =
        new ExportRequest(
            Precisions.all(precision), weights, flavour, StageChoice.of(STAGES), Loras.MERGED);
    try (var model = TinyModel.of(SafetensorsFile.open(checkpoint), tokenizer)) {
      ExportedFolder.write(model, target, request);
    }
    Files.delete(checkpoint);
    Path moved = Files.move(target, folder.resolve("moved"));

    assertArrayEquals(new float[] {23, 17, 21, 13}, run(moved));
    boolean linked = weights == Weights.IN_PLACE && precision == Precision.KEEP;
    String stored = linked ? "checkpoint.safetensors" : "weights.safetensors";
    assertEquals(
        Set.of(
            "README.md",
            "model_index.json",
            "pictures.py",
            "plan.py",
            "sample.py",
            "scheduler/scheduler_config.json",
            "scheduler/tpdiff_stages.json",
            "solvers.py",
            "stages.py",
            "tokenizer/tokenizer.json",
            "tpdiff_pipeline.json",
            "tpdiff_sampling.json",
            "transformer/conditioning.onnx",
            "transformer/model.onnx",
            "transformer/" + stored),
        files(moved));
    try (TensorSource source = SafetensorsFile.open(moved.resolve("transformer").resolve(stored))) {
      DType expected =
          switch (precision) {
            case FP16 -> DType.F16;
            case FP32 -> DType.F32;
            default -> DType.BF16;
          };
      TinyModel.TENSORS.forEach(name -> assertEquals(expected, source.require(name).dtype()));
    }
  }

  /** The rows of W are 1, 2 and 3, 4, those of V 0, 1 and 1, 0: 2, 4 and 1 are the largest. */
  @ParameterizedTest
  @CsvSource({"INT8, I8", "FP8, F8_E4M3"})
  void codesAndScalesLieBesideTheGraph_andStandForTheWeights(Precision precision, DType codes)
      throws IOException {
    Path target = folder.resolve("codes");
    try (var model = TinyModel.of(SafetensorsFile.open(checkpoint), tokenizer)) {
      ExportedFolder.write(
          model, target, ExportRequest.of(STAGES).withPrecisions(Precisions.all(precision)));
    }
    int largest = precision == Precision.INT8 ? 127 : 448;
    Path weights = target.resolve("transformer").resolve("weights.safetensors");
    try (TensorSource source = SafetensorsFile.open(weights)) {
      assertEquals(codes, source.require("denoise.weight").dtype());
      assertArrayEquals(
          new float[] {2f / largest, 4f / largest}, source.floats("denoise.weight_scale"));
      assertArrayEquals(
          new float[] {1f / largest, 1f / largest}, source.floats("condition.weight_scale"));
    }
    // 1 and 3 are no codes: 63.5 is rounded to 64, 95.25 to 95; 224 is one, 336 is between two.
    float[] rounded =
        precision == Precision.INT8
            ? new float[] {20 + 2 + 128 / 127f, 10 + 4 + 380 / 127f}
            : new float[] {23, 10 + 4 + 320 / 448f * 4};
    float[] found = run(target);
    assertEquals(rounded[0], found[0], 1e-5);
    assertEquals(rounded[1], found[1], 1e-5);
  }

  /** Whatever is between the casts, a graph takes and gives fp32. */
  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"BF16", "FP16"})
  void halfPrecision_runsOnACpuToo(Precision precision) throws IOException {
    Path target = folder.resolve("half");
    try (var model = TinyModel.of(SafetensorsFile.open(checkpoint), tokenizer);
        var engine = OnnxEngine.on(OnnxDevice.CPU)) {
      ExportedFolder.write(
          model, target, ExportRequest.of(STAGES).withPrecisions(Precisions.all(precision)));
      try (var parts = ExportedFolder.open(target, engine)) {
        parts.check();
      }
    }
    assertArrayEquals(new float[] {23, 17, 21, 13}, run(target)); // all of them are such numbers
  }

  @Test
  void checkSaysWhichPartBreaksItsTolerance() throws IOException {
    var check =
        ExportCheck.of(
            List.of(
                new PartError("transformer", "transformer, stage 1 of 9 frames", 0.06),
                new PartError("vae_decoder", "vae_decoder", 1e-5),
                new PartError("text_encoder", "text_encoder", Double.NaN)),
            Precisions.parse("keep,transformer=int8,text_encoder=fp16"));
    assertFalse(check.passes());
    assertEquals(
        List.of(
            "transformer, stage 1 of 9 frames: int8 is 6.0e-02 from fp32, expected at most 5e-02;"
                + " export with --precision transformer=keep",
            "text_encoder: fp16 is NaN from fp32, expected at most 1e-02; export with --precision"
                + " text_encoder=keep"),
        check.parts().stream().flatMap(part -> part.complaint().stream()).toList());
    check.write(folder);
    JsonNode written = new ObjectMapper().readTree(folder.resolve(ExportCheck.FILE).toFile());
    assertEquals(0.06, written.at("/parts/0/max_error").asDouble());
    assertEquals("int8", written.at("/parts/0/precision").asText());
    assertTrue(written.at("/parts/1/passes").asBoolean());
    assertEquals("NaN", written.at("/parts/2/max_error").asText());
  }

  @Test
  void inPlaceExportStoresOnlyChangedTensorsAnew() throws IOException {
    Path target = folder.resolve("merged");
    var merged = MemoryTensors.builder().add(info("denoise.weight"), bf16(5, 2, 3, 4)).build();
    try (var model = TinyModel.of(SafetensorsFile.open(checkpoint).overlaid(merged), tokenizer)) {
      ExportedFolder.write(model, target, ExportRequest.of(STAGES).withWeights(Weights.IN_PLACE));
    }
    assertArrayEquals(new float[] {27, 17, 25, 13}, run(target));
    Path transformer = target.resolve("transformer");
    try (TensorSource anew = SafetensorsFile.open(transformer.resolve("weights.safetensors"))) {
      assertEquals(Set.of("denoise.weight"), anew.names());
    }
    assertEquals(
        Files.readAttributes(checkpoint, "unix:ino"),
        Files.readAttributes(transformer.resolve("checkpoint.safetensors"), "unix:ino"));
  }

  @Test
  void damagedGraphIsNamedInOneLine() throws IOException {
    Path graph = Files.write(folder.resolve("model.onnx"), new byte[] {1, 2, 3});
    try (var engine = OnnxEngine.on(OnnxDevice.CPU)) {
      var refused = assertThrows(CheckpointException.class, () -> engine.open(graph));
      String message = refused.getMessage();
      assertEquals(1, message.lines().count());
      assertEquals(0, message.indexOf(graph + ": expected an ONNX graph: "));
    }
  }

  @Test
  void valueTooLargeForF16IsNamedAndNothingIsLeft() throws IOException {
    Path target = folder.resolve("half");
    try (var model = TinyModel.of(tensors(0x1p17f), tokenizer)) {
      var request = ExportRequest.of(STAGES).withPrecisions(Precisions.all(Precision.FP16));
      var refused =
          assertThrows(
              CheckpointException.class, () -> ExportedFolder.write(model, target, request));
      assertEquals(
          "tensors in memory: tensor 'denoise.weight': expected values that fit F16, found"
              + " 131072.0; store it as BF16 or F32",
          refused.getMessage());
    }
    assertEquals(Set.of("checkpoint.safetensors", "tokens/tokenizer.json"), files(folder));
    assertFalse(Files.exists(target));
  }

  @Test
  void folderWithFilesIsNotOverwritten() {
    try (var model = TinyModel.of(SafetensorsFile.open(checkpoint), tokenizer)) {
      var refused =
          assertThrows(
              CheckpointException.class,
              () -> ExportedFolder.write(model, folder, ExportRequest.of(STAGES)));
      assertEquals(
          folder + ": expected a new or empty folder, found files in it; delete it or name another",
          refused.getMessage());
    }
  }

  @Test
  void folderWithoutAnExportIsRefused() {
    try (var engine = OnnxEngine.on(OnnxDevice.CPU)) {
      var refused =
          assertThrows(CheckpointException.class, () -> ExportedFolder.open(folder, engine));
      assertEquals(
          folder + ": expected an exported model with tpdiff_pipeline.json, found none",
          refused.getMessage());
    }
  }
}
