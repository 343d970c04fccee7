package io.github.tpdiff.adapters.animatediff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A base model and motion modules that a user downloaded to different places. */
class PartsElsewhereTest {
  private final AnimateDiffFamily family = new AnimateDiffFamily();

  @TempDir private Path folder;

  @BeforeEach
  void write() throws IOException {
    CheckpointTemplate tiny = Objects.requireNonNull(family.templates().get("animatediff-tiny"));
    tiny.write(
        new CheckpointTemplate.Order(
            folder.resolve("base"), DType.F16, tiny.defaultComponents(), (bytes, total) -> {}));
    Files.move(folder.resolve("base/motion_adapter"), folder.resolve("modules"));
    Files.move(folder.resolve("base/vae"), folder.resolve("autoencoder"));
  }

  private ModelRequest request(Map<String, String> settings) {
    return new ModelRequest(
        folder.resolve("base"),
        Map.of("motion_adapter", folder.resolve("modules"), "vae", folder.resolve("autoencoder")),
        settings);
  }

  @Test
  void partsNamedByTheUser_makeTheModelComplete() {
    try (VideoModel model = family.open(request(Map.of()))) {
      assertEquals(
          Set.of("text_encoder", "unet/conditioning", "unet", "vae_encoder", "vae_decoder"),
          model.components().keySet());
    }
  }

  @Test
  void normConvention_isTheUsersToChoose() {
    assertTrue(norms(Map.of()).contains(List.of("frames", "height", "width")));
    assertTrue(
        norms(Map.of("norm_convention", "original")).stream().allMatch(axes -> axes.size() == 2));
  }

  /** The axes that each group norm of the denoiser takes its statistics over, beside channels. */
  private Set<List<String>> norms(Map<String, String> settings) {
    try (VideoModel model = family.open(request(settings))) {
      Program denoiser =
          Objects.requireNonNull(model.components().get(AnimateDiffFlow.UNET)).program();
      return denoiser.segments().stream()
          .flatMap(segment -> segment.nodes().stream())
          .filter(node -> node.op() instanceof Op.GroupNorm)
          .map(node -> node.shape().dims().stream().skip(2).map(Object::toString).toList())
          .collect(Collectors.toSet());
    }
  }

  @Test
  void partThatIsNotThere_isNamed() {
    var request =
        new ModelRequest(
            folder.resolve("base"), Map.of("motion_adapter", folder.resolve("gone")), Map.of());
    var refusal = assertThrows(CheckpointException.class, () -> family.open(request));
    assertTrue(refusal.getMessage().contains("gone: expected"), refusal.getMessage());
  }

  @Test
  void modulesOfAnotherWidth_areRefusedByTheNameOfTheirFile() {
    Path file = folder.resolve("narrow.safetensors");
    try (TensorSource modules = Checkpoint.open(folder.resolve("modules"))) {
      var narrow = MemoryTensors.builder();
      for (String name : modules.names()) {
        List<Long> shape = modules.require(name).shape().stream().map(n -> n / 2).toList();
        long values = shape.stream().reduce(1L, (a, b) -> a * b);
        narrow.addFloats(name, shape, new float[Math.toIntExact(values)]);
      }
      SafetensorsWriter.write(file, narrow.build());
    }
    var request =
        new ModelRequest(folder.resolve("base"), Map.of("motion_adapter", file), Map.of());
    var refusal = assertThrows(CheckpointException.class, () -> family.open(request));
    assertTrue(refusal.getMessage().startsWith(file.toString()), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("expected shape [32]"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("found [16]"), refusal.getMessage());
  }

  /** diffusers keeps the table among the weights: rounded in the file, rounded in the network. */
  @Test
  void positionsOfAHalfPrecisionAdapter_areThoseOfItsTable() {
    Path file = folder.resolve("half.safetensors");
    try (TensorSource modules = Checkpoint.open(folder.resolve("modules"))) {
      var tables = MemoryTensors.builder();
      modules.names().stream()
          .filter(name -> name.endsWith("attn1.to_q.weight"))
          .forEach(
              name -> {
                long width = modules.require(name).shape().get(0);
                tables.add(
                    new TensorInfo(
                        name.replace("attn1.to_q.weight", "pos_embed.pe"),
                        DType.F16,
                        List.of(1L, 32L, width)),
                    ByteBuffer.allocateDirect(Math.toIntExact(2 * 32 * width)));
              });
      SafetensorsWriter.write(file, modules.overlaid(tables.build()));
    }
    var request =
        new ModelRequest(folder.resolve("base"), Map.of("motion_adapter", file), Map.of());
    try (VideoModel model = family.open(request)) {
      assertTrue(
          Objects.requireNonNull(model.components().get(AnimateDiffFlow.UNET))
              .program()
              .weights()
              .containsKey("positions.32.table"));
    }
  }
}
