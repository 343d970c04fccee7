package io.github.tpdiff.weights.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.checkpoint.OpenCheckpoints;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two transformers whose tensors have the same names and other values. */
class ExpertConversionTest {
  private static final String TENSOR = "proj_out.bias";

  @TempDir private Path root;

  @Test
  void theFolderSaysWhichOfTwoATransformerIs_inBothLayouts() throws IOException {
    write("from/transformer/diffusion_pytorch_model.safetensors", 1);
    write("from/transformer_2/diffusion_pytorch_model.safetensors", 2);
    LayoutConversion.Report report = convert("from", "original", Layout.ORIGINAL);
    assertThat(report.written())
        .extracting(LayoutConversion.Written::expert)
        .containsExactlyInAnyOrder(Optional.of(Expert.HIGH_NOISE), Optional.of(Expert.LOW_NOISE));
    String file = "diffusion_pytorch_model.safetensors";
    assertThat(value("original/high_noise_model/" + file, "head.head.bias")).isEqualTo(1);
    assertThat(value("original/low_noise_model/" + file, "head.head.bias")).isEqualTo(2);
    convert("original", "back", Layout.DIFFUSERS);
    assertThat(value("back/transformer/" + file, TENSOR)).isEqualTo(1);
    assertThat(value("back/transformer_2/" + file, TENSOR)).isEqualTo(2);
  }

  @Test
  void anOnlyTransformer_liesWhereItAlwaysDid() throws IOException {
    write("from/transformer/diffusion_pytorch_model.safetensors", 1);
    convert("from", "original", Layout.ORIGINAL);
    assertThat(root.resolve("original/diffusion_pytorch_model.safetensors")).exists();
  }

  @Test
  void twoThatNoFolderTellsApart_areRefused() throws IOException {
    write("from/one.safetensors", 1);
    write("from/transformer_2/diffusion_pytorch_model.safetensors", 2);
    assertThatThrownBy(() -> convert("from", "original", Layout.ORIGINAL))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("both hold a wan transformer; give one of them");
  }

  private LayoutConversion.Report convert(String from, String to, Layout layout) {
    var request =
        new LayoutConversion.Request(
            root.resolve(to), layout, UnaryOperator.identity(), Long.MAX_VALUE);
    try (OpenCheckpoints opened = OpenCheckpoints.in(root.resolve(from))) {
      return LayoutConversion.convert(opened.byFile().values(), request);
    }
  }

  private float value(String file, String tensor) {
    try (var source = Checkpoint.open(root.resolve(file))) {
      return source.floats(tensor)[0];
    }
  }

  private void write(String path, float value) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    var tensors = MemoryTensors.builder();
    for (String name : Files.readAllLines(FileGoldens.resource("layout/wan-i2v-diffusers.txt"))) {
      tensors.addFloats(name, List.of(1L), value);
    }
    SafetensorsWriter.write(file, tensors.build());
  }
}
