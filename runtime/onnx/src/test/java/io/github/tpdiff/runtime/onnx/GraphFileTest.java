package io.github.tpdiff.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exported graphs that someone else has changed. */
class GraphFileTest {
  private @TempDir Path folder = Path.of("");
  private Path exported = Path.of("");
  private Path denoiser = Path.of("");

  @BeforeEach
  void export() throws IOException {
    Path tokenizer = Files.createDirectory(folder.resolve("tokens"));
    exported = folder.resolve("exported");
    var weights =
        MemoryTensors.builder()
            .add(info("denoise.weight"), ByteBuffer.allocateDirect(16))
            .add(info("condition.weight"), ByteBuffer.allocateDirect(16))
            .build();
    try (var model = TinyModel.of(weights, tokenizer)) {
      ExportedFolder.write(model, exported, ExportRequest.of(StageConfig.vanilla()));
    }
    denoiser = exported.resolve("transformer/model.onnx");
  }

  private static TensorInfo info(String name) {
    return new TensorInfo(name, DType.F32, List.of(2L, 2L));
  }

  private void change(Consumer<GraphProto.Builder> change) throws IOException {
    var model = ModelProto.parseFrom(Files.readAllBytes(denoiser)).toBuilder();
    change.accept(model.getGraphBuilder());
    Files.write(denoiser, model.build().toByteArray());
  }

  private void run() {
    try (var engine = OnnxEngine.on(OnnxDevice.CPU);
        var parts = ExportedFolder.open(exported, engine);
        Executable graph = parts.load(TinyModel.DENOISER)) {
      graph.run(
          Map.of(
              "hidden_states",
              Tensor.ofFloats(new float[4], 1, 2, 2),
              "context",
              Tensor.ofFloats(new float[2], 2)));
    }
  }

  private void assertRefused(String what) {
    assertThatThrownBy(this::run)
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(denoiser + ": ")
        .hasMessageContaining(what)
        .hasMessageEndingWith("export the model again")
        .hasMessageNotContaining("\n");
  }

  @Test
  void tensorOfTerabytes_isRefused() throws IOException {
    change(graph -> graph.getInitializerBuilder(0).setDims(0, 1L << 40));
    assertRefused("tensor 'denoise.weight': expected as much data as elements");
  }

  @Test
  void tensorWhoseSizeOverflows_isRefused() throws IOException {
    change(graph -> graph.getInitializerBuilder(0).setDims(0, 1L << 62).setDims(1, 1L << 62));
    assertRefused("tensor 'denoise.weight': expected dimensions that fit in memory");
  }

  @Test
  void dataBeyondTheFile_isRefused() throws IOException {
    change(
        graph ->
            graph
                .getInitializerBuilder(0)
                .addExternalData(
                    StringStringEntryProto.newBuilder().setKey("length").setValue("1000000000")));
    assertRefused("tensor 'denoise.weight': expected data within the ");
  }

  @Test
  void weightsThatAreNotThere_areRefused() throws IOException {
    Files.delete(exported.resolve("transformer/weights.safetensors"));
    assertRefused("expected its data in ");
  }

  @Test
  void inlineTensorWithoutData_isRefused() throws IOException {
    change(
        graph ->
            graph
                .addInitializerBuilder()
                .setName("hollow")
                .setDataType(TensorProto.DataType.FLOAT.getNumber())
                .addDims(1L << 38));
    assertRefused("tensor 'hollow': expected no more elements than there is data for");
  }

  @Test
  void constantShapeOfTerabytes_isRefused() throws IOException {
    change(
        graph -> {
          graph
              .addInitializerBuilder()
              .setName("much")
              .setDataType(TensorProto.DataType.INT64.getNumber())
              .addDims(2)
              .addInt64Data(1 << 20)
              .addInt64Data(1 << 20);
          graph.addNode(
              NodeProto.newBuilder()
                  .setName("maker")
                  .setOpType("ConstantOfShape")
                  .addInput("much")
                  .addOutput("zeros"));
        });
    assertRefused("node 'maker' (ConstantOfShape): expected a shape of at most");
  }

  @Test
  void nodeOfNoKnownKind_isTheFilesFault() throws IOException {
    change(graph -> graph.addNode(NodeProto.newBuilder().setOpType("Nonsense").addOutput("x")));
    assertRefused("ONNX Runtime cannot open it");
  }

  /** Bytes flipped anywhere in the graph: it runs, or is refused in one line. */
  @Test
  void damagedGraphs_runOrAreRefused() throws IOException {
    byte[] published = Files.readAllBytes(denoiser);
    var random = new Random(7);
    for (int i = 0; i < 200; i++) {
      byte[] damaged = published.clone();
      for (int j = random.nextInt(3); j >= 0; j--) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      }
      Files.write(denoiser, damaged);
      try {
        run();
      } catch (CheckpointException | IllegalArgumentException refused) {
        assertThat(refused).hasMessageNotContaining("\n");
      } catch (RuntimeException wrongShapes) {
        assertThat(wrongShapes.getClass().getSimpleName()).isEqualTo("GraphException");
      }
    }
  }

  @Test
  void rowsOfTheTokenTable_areFound() throws IOException {
    change(
        graph ->
            graph.addNode(
                NodeProto.newBuilder()
                    .setOpType("Gather")
                    .addInput("denoise.weight")
                    .addInput("input_ids")
                    .addOutput("rows")));
    assertThat(GraphFile.read(denoiser).rows("input_ids")).contains(2L);
    assertThat(GraphFile.read(denoiser).rows("hidden_states")).isEmpty();
  }
}
