package io.github.tpdiff.adapters.wan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against loops over the whole clip, written from the published description. */
final class CellsTest {
  private static final int HEIGHT = 4;
  private static final int WIDTH = 6;

  @ParameterizedTest
  @CsvSource({"1, 2, 4, 4", "2, 2, 3, 6", "2, 2, 4, 2", "2, 1, 2, 4", "1, 1, 5, 5", "1, 1, 6, 2"})
  void averaged_isTheMeanOfRunsOfTheCellsValues(int frames, int side, int in, int out) {
    var cells = new Cells(frames, side);
    float[][] clip = random(in, 5);
    int run = in * frames * side * side / out;
    int padded = 5 % frames == 0 ? 0 : frames - 5 % frames;
    int count = (5 + padded) / frames;
    int h = HEIGHT / side;
    int w = WIDTH / side;
    var expected = new float[out][count * h * w];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < count * h * w; i++) {
        int t = i / (h * w);
        int y = i / w % h;
        int x = i % w;
        double sum = 0;
        for (int index = o * run; index < (o + 1) * run; index++) {
          int dx = index % side;
          int dy = index / side % side;
          int dt = index / side / side % frames;
          int c = index / side / side / frames;
          int frame = t * frames + dt - padded;
          sum += frame < 0 ? 0 : clip[c][(frame * HEIGHT + y * side + dy) * WIDTH + x * side + dx];
        }
        expected[o][i] = (float) (sum / run);
      }
    }
    // Chunk by chunk: the first frame, then four.
    Tensor first = run(x -> cells.averaged(x, out), clip, 0, 1);
    Tensor next = run(x -> cells.averaged(x, out), clip, 1, 5);
    assertFrames(first, expected, 0, count * h * w);
    assertFrames(next, expected, (int) (first.elementCount() / out), count * h * w);
  }

  @ParameterizedTest
  @CsvSource({"2, 2, 3, 3", "1, 2, 4, 2", "2, 2, 4, 2", "1, 2, 8, 2", "2, 2, 2, 4"})
  void duplicated_spreadsRepeatedChannelsOverTheCell(int frames, int side, int in, int out) {
    var cells = new Cells(frames, side);
    float[][] clip = random(in, 2);
    int times = out * frames * side * side / in;
    int h = HEIGHT * side;
    int w = WIDTH * side;
    int count = 2 * frames;
    var expected = new float[out][count * h * w];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < count * h * w; i++) {
        int t = i / (h * w);
        int y = i / w % h;
        int x = i % w;
        int index = ((o * frames + t % frames) * side + y % side) * side + x % side;
        expected[o][i] = clip[index / times][(t / frames * HEIGHT + y / side) * WIDTH + x / side];
      }
    }
    assertFrames(run(x -> cells.duplicated(x, out), clip, 0, 2), expected, 0, count * h * w);
  }

  /** Channel 4c + 2·dx + dy. */
  @Test
  void patches_areOrderedByColourColumnRow_andPixelsUndoThem() {
    var cells = new Cells(1, 2);
    float[][] clip = random(3, 2);
    var expected = new float[12][2 * HEIGHT * WIDTH / 4];
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < 2 * HEIGHT * WIDTH; i++) {
        int t = i / (HEIGHT * WIDTH);
        int y = i / WIDTH % HEIGHT;
        int x = i % WIDTH;
        expected[4 * c + 2 * (x % 2) + y % 2][(t * HEIGHT / 2 + y / 2) * WIDTH / 2 + x / 2] =
            clip[c][i];
      }
    }
    assertFrames(run(cells::patches, clip, 0, 2), expected, 0, 2 * HEIGHT * WIDTH / 4);
    assertFrames(run(x -> cells.pixels(cells.patches(x)), clip, 0, 2), clip, 0, 2 * HEIGHT * WIDTH);
  }

  @Test
  void widthsThatDoNotShareEvenly_areRefused() {
    Value x = Value.input("x", "batch", 6, 1, "height", "width");
    assertThatThrownBy(() -> new Cells(1, 1).averaged(x, 12))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 6 values for 12 channels");
    assertThatThrownBy(() -> new Cells(1, 1).duplicated(x, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 4 values for 6 channels");
  }

  /** Random values of each channel. */
  private static float[][] random(int channels, int frames) {
    var random = new Random(channels);
    var clip = new float[channels][frames * HEIGHT * WIDTH];
    for (float[] channel : clip) {
      for (int i = 0; i < channel.length; i++) {
        channel[i] = random.nextFloat();
      }
    }
    return clip;
  }

  private static Tensor run(UnaryOperator<Value> change, float[][] clip, int from, int to) {
    int frame = HEIGHT * WIDTH;
    var values = new float[clip.length * (to - from) * frame];
    for (int c = 0; c < clip.length; c++) {
      System.arraycopy(clip[c], from * frame, values, c * (to - from) * frame, (to - from) * frame);
    }
    Value x = Value.input("x", "batch", clip.length, to - from, "height", "width");
    var program =
        new Program("cells", List.of(Graph.of("cells", "y", change.apply(x))), List.of("y"));
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, MemoryTensors.builder().build())) {
      var given = Tensor.ofFloats(values, 1, clip.length, to - from, HEIGHT, WIDTH);
      return Objects.requireNonNull(executable.run(Map.of("x", given)).get("y"));
    }
  }

  /** What is found, [1, C, F, H, W], is each channel's values from {@code at} on. */
  private static void assertFrames(Tensor found, float[][] expected, int at, int whole) {
    float[] values = found.toFloatArray();
    int each = values.length / expected.length;
    assertThat(at + each).isLessThanOrEqualTo(whole);
    for (int i = 0; i < values.length; i++) {
      assertThat(values[i])
          .as("value %s", i)
          .isCloseTo(expected[i / each][at + i % each], offset(1e-6f));
    }
  }
}
