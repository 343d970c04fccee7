package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.engine.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** Networks in plain Java, in place of what an engine opens. */
final class MadeNetwork implements FeatureNetwork {
  /** Cells along a side of what {@link #pooled} gives. */
  private static final int CELLS = 4;

  private final List<String> names;
  private final Function<Map<String, Tensor>, List<Tensor>> function;
  final List<Map<String, Tensor>> calls = new ArrayList<>();

  MadeNetwork(List<String> names, Function<Map<String, Tensor>, List<Tensor>> function) {
    this.names = names;
    this.function = function;
  }

  static MadeNetwork of(Function<Tensor, Tensor> function) {
    return new MadeNetwork(List.of("x"), inputs -> List.of(function.apply(given(inputs, "x"))));
  }

  /** An input that a network was given. */
  static Tensor given(Map<String, Tensor> inputs, String name) {
    return Objects.requireNonNull(inputs.get(name), name);
  }

  /** A file that stands for a network; its hash is that of its name. */
  static NetworkFile file(Path folder, String name, FeatureNetwork network) {
    try {
      Path file = folder.resolve(name);
      Files.write(file, name.getBytes(StandardCharsets.UTF_8));
      return NetworkFile.of(file, path -> network);
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  @Override
  public List<String> inputNames() {
    return names;
  }

  @Override
  public List<Tensor> run(Map<String, Tensor> inputs) {
    calls.add(inputs);
    return function.apply(inputs);
  }

  @Override
  public void close() {}

  /** [1, 3, H, W] to [1, 48]: torch's {@code adaptive_avg_pool2d(x, 4).flatten(1)}. */
  static Tensor pooled(Tensor picture) {
    int height = (int) picture.shape()[2];
    int width = (int) picture.shape()[3];
    float[] data = picture.toFloatArray();
    var means = new float[3 * CELLS * CELLS];
    for (int i = 0; i < means.length; i++) {
      int column = i % CELLS;
      int row = i / CELLS % CELLS;
      int channel = i / (CELLS * CELLS);
      double sum = 0;
      int count = 0;
      for (int y = row * height / CELLS; y < ceil((row + 1) * height); y++) {
        for (int x = column * width / CELLS; x < ceil((column + 1) * width); x++) {
          sum += data[(channel * height + y) * width + x];
          count++;
        }
      }
      means[i] = (float) (sum / count);
    }
    return Tensor.ofFloats(means, 1, means.length);
  }

  private static int ceil(int times) {
    return (times + CELLS - 1) / CELLS;
  }
}
