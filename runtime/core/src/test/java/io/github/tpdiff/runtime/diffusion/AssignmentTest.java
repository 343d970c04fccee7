package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AssignmentTest {
  private final Golden golden = new Golden("numerics/assignment");

  @Test
  void minimise_matchesScipy() {
    for (JsonNode run : golden.args.get("runs")) {
      String name = run.get("name").asText();
      double[][] cost = name.equals("clips") ? distances() : cost(name);
      int[] assigned = Assignment.minimise(cost);
      assertThat(Arrays.stream(assigned).distinct().count()).as(name).isEqualTo(cost.length);
      double total = IntStream.range(0, cost.length).mapToDouble(i -> cost[i][assigned[i]]).sum();
      double expected = golden.values("out." + name + ".total")[0];
      assertThat(total)
          .as(name)
          .isCloseTo(expected, within(golden.tolerance * Math.max(1, Math.abs(expected))));
      if (run.get("unique").asBoolean()) {
        golden.assertEquals(
            "out." + name + ".assignment", Arrays.stream(assigned).asDoubleStream().toArray());
      }
    }
  }

  @Test
  void align_givesEachClipTheNoiseThatScipyGivesIt() {
    List<Latents> clips = clips("in.clips.clips");
    List<Latents> noises = clips("in.clips.noise");
    List<Long> seeds = IntStream.range(0, noises.size()).mapToObj(i -> (long) i).toList();
    List<Long> aligned =
        Alignment.window(Alignment.DEFAULT_WINDOW)
            .align(clips, seeds, seed -> noises.get((int) seed));
    golden.assertEquals(
        "out.clips.assignment", aligned.stream().mapToDouble(Long::doubleValue).toArray());
    assertThat(Alignment.none().align(clips, seeds, seed -> noises.get((int) seed)))
        .isEqualTo(seeds);
  }

  private double[][] cost(String name) {
    double[] values = golden.values("in." + name + ".cost");
    int n = (int) Math.round(Math.sqrt(values.length));
    return IntStream.range(0, n)
        .mapToObj(i -> Arrays.copyOfRange(values, i * n, (i + 1) * n))
        .toArray(double[][]::new);
  }

  private double[][] distances() {
    List<Latents> clips = clips("in.clips.clips");
    List<Latents> noises = clips("in.clips.noise");
    return clips.stream()
        .map(clip -> noises.stream().mapToDouble(noise -> distance(clip, noise)).toArray())
        .toArray(double[][]::new);
  }

  private static double distance(Latents left, Latents right) {
    double sum = 0;
    for (int i = 0; i < left.data().length; i++) {
      double difference = (double) left.data()[i] - right.data()[i];
      sum += difference * difference;
    }
    return sum;
  }

  private List<Latents> clips(String name) {
    Latents all = golden.latents(name);
    return IntStream.range(0, all.shape().batch()).mapToObj(all::clip).toList();
  }

  /** A window holds clips several times: then many assignments are best, and one must be chosen. */
  @Test
  void minimise_choosesTheSameAmongEquals_inEveryProcess() throws Exception {
    var answers = new HashSet<String>();
    for (int i = 0; i < 4; i++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  EqualRows.class.getName())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      answers.add(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
      assertThat(process.waitFor()).isZero();
    }
    assertThat(answers).hasSize(1);
    assertThat(answers.iterator().next()).startsWith("[");
  }

  /** Prints an assignment of rows that come four times each. */
  static final class EqualRows {
    private EqualRows() {}

    public static void main(String[] none) {
      var random = new Random(3);
      double[][] distinct = new double[6][];
      for (int i = 0; i < distinct.length; i++) {
        distinct[i] = random.doubles(24).toArray();
      }
      double[][] cost = new double[24][];
      for (int i = 0; i < cost.length; i++) {
        cost[i] = distinct[i % distinct.length];
      }
      System.out.println(Arrays.toString(Assignment.minimise(cost)));
    }
  }
}
