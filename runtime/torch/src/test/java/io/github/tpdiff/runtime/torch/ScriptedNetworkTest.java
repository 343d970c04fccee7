package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.torch.ScriptSignature.Parameter;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * With {@code kinds.pt}, which torch 2.15 scripted of {@code forward(x, twice: bool=False, times:
 * int=3, plus: float=0.5, ids: Optional[Tensor]=None)}: y = x Wᵀ with W = [[1, 2], [3, 4]], twice
 * that if so told, plus ids; the result is (y, [times y, y + plus], {"half": y / 2 in half
 * precision}). A dropout in it shows whether it runs as for training.
 */
final class ScriptedNetworkTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void copyFile() throws IOException {
    file = folder.resolve("kinds.pt");
    try (InputStream stream = getClass().getResourceAsStream("kinds.pt")) {
      Files.copy(stream, file);
    }
  }

  private static List<float[]> run(ScriptedNetwork network, Map<String, Tensor> inputs) {
    return network.run(inputs).stream().map(Tensor::toFloatArray).toList();
  }

  @Test
  void forward_runsWithItsDefaults_andGivesEveryTensor() {
    try (ScriptedNetwork network = TorchEngine.cpu().open(file)) {
      assertThat(network.inputNames()).containsExactly("x", "twice", "times", "plus", "ids");
      Tensor x = Tensor.ofFloats(new float[] {1, 10}, 1, 2);
      assertThat(run(network, Map.of("x", x, "other", x)))
          .containsExactly(
              new float[] {21, 43},
              new float[] {63, 129},
              new float[] {21.5f, 43.5f},
              new float[] {10.5f, 21.5f});
      assertThat(network.run(Map.of("x", x)).get(0).shape()).containsExactly(1, 2);
    }
  }

  @Test
  void argumentsAreGivenByName_andThoseBeforeThemAsTheProgramPresetsThem() {
    try (ScriptedNetwork network = TorchEngine.cpu().open(file)) {
      Tensor x = Tensor.ofFloats(new float[] {1, 10}, 1, 2);
      Tensor yes = Tensor.ofLongs(new long[] {1});
      assertThat(run(network, Map.of("x", x, "twice", yes)).get(0))
          .containsExactly(new float[] {42, 86});
      Tensor ids = Tensor.ofLongs(new long[] {1, 2}, 1, 2);
      assertThat(run(network, Map.of("x", x, "ids", ids)))
          .containsExactly(
              new float[] {22, 45},
              new float[] {66, 135},
              new float[] {22.5f, 45.5f},
              new float[] {11, 22.5f});
    }
  }

  @Test
  void whatDoesNotFit_isNamed() {
    try (ScriptedNetwork network = TorchEngine.cpu().open(file)) {
      Tensor x = Tensor.ofFloats(new float[] {1, 10, 2}, 1, 3);
      assertThatThrownBy(() -> network.run(Map.of("x", x)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file + ": PyTorch cannot run it: ")
          .hasMessageContaining("mat1 and mat2");
      assertThatThrownBy(() -> network.run(Map.of()))
          .isInstanceOf(GraphException.class)
          .hasMessage(file + ": input x is missing");
      assertThatThrownBy(() -> network.run(Map.of("x", x, "twice", x)))
          .hasMessageContaining("input twice: expected bool, found F32[1, 3]");
    }
  }

  @Test
  void otherFiles_areRefused() throws IOException {
    Path none = folder.resolve("none.pt");
    assertThatThrownBy(() -> TorchEngine.cpu().open(none)).hasMessage(none + ": no such file");
    Files.write(none, new byte[100]);
    assertThatThrownBy(() -> TorchEngine.cpu().open(none))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(none + ": expected a TorchScript file");
    byte[] whole = Files.readAllBytes(file);
    Files.write(none, java.util.Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> TorchEngine.cpu().open(none))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(none + ": expected a TorchScript file");
  }

  @Test
  void signature_isOfTheClassThatIsMeant_overSeveralLines() {
    String program =
        """
        class Other(Module):
          def forward(self: __torch__.Other,
            y: Tensor) -> Tensor:
            return y
        class Net(Module):
          weight : Tensor
          def forward(self: __torch__.Net,
            x: Tensor,
            sizes: List[int]=[1, 2],
            pair: Tuple[Tensor, Dict[str, Tensor]]=(1, 2)) -> Tuple[Tensor, Tensor]:
            return (x, x)
        """;
    assertThat(ScriptSignature.of(program, "Net").orElseThrow().parameters())
        .containsExactly(
            new Parameter("x", "Tensor", Optional.empty()),
            new Parameter("sizes", "List[int]", Optional.of("[1, 2]")),
            new Parameter("pair", "Tuple[Tensor, Dict[str, Tensor]]", Optional.of("(1, 2)")));
    assertThat(ScriptSignature.of(program, "Missing")).isEmpty();
    assertThat(ScriptSignature.of("class Net(Module):\n  x : int\nclass A(Module):\n", "Net"))
        .isEmpty();
  }
}
