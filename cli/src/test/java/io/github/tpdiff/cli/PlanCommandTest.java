package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanCommandTest {
  private static final int FRAMES = 33;
  private static final int SIDE = 64;
  private static final Splitter WORDS = Splitter.on(' ').omitEmptyStrings();

  @TempDir private Path folder;

  @BeforeEach
  void checkpoint() {
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", folder.resolve("model")).exitCode())
        .isZero();
  }

  /** Clips without captions, which change every {@code hold} frames; 0 for never. */
  private Path clips(int hold) throws Exception {
    Path clips = Files.createDirectories(folder.resolve("clips" + hold));
    for (int i = 0; i < 2; i++) {
      int pixels = SIDE * SIDE;
      float[] data = new float[3 * FRAMES * pixels];
      for (int plane = 0; plane < 3 * FRAMES; plane++) {
        boolean bright = hold > 0 && plane % FRAMES / hold % 2 == 0;
        Arrays.fill(data, plane * pixels, (plane + 1) * pixels, bright ? 0.9f : -0.9f + 0.4f * i);
      }
      VideoWriter.write(
          clips.resolve("clip" + i + ".mp4"), new VideoClip(data, FRAMES, SIDE, SIDE, 16));
    }
    return clips;
  }

  private Invocation plan(Object... options) {
    var arguments = new ArrayList<Object>(List.of("plan", folder.resolve("model")));
    arguments.addAll(Arrays.asList(options));
    arguments.addAll(List.of("--device", "cpu"));
    return Invocation.of(arguments.toArray());
  }

  private static List<String> table(Invocation run) {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return run.out().lines().filter(line -> line.matches(" +\\d  (-|\\d(,\\d)*) .*")).toList();
  }

  @Test
  void clips_chooseTheStages_byWhatTheyLoseOfThem() throws Exception {
    Path fast = clips(4);
    var open = plan("--clips", fast, "--budget", 100);
    assertThat(table(open)).hasSize(4);
    assertThat(table(open).get(3)).startsWith("     3  2,2 ").endsWith("chosen");
    assertThat(open.out())
        .contains("2 clips of 2 videos, 9 latent frames")
        .contains("as options: --rates 2,2\n", "in a job:   stages: {rates: [2, 2]}\n")
        .contains("    3  1.00 to 0.81 ");
    var strict = plan("--clips", fast, "--budget", 1e-6);
    assertThat(table(strict).get(0)).endsWith("chosen");
    assertThat(strict.out()).contains("as options: --stages 1\n");
  }

  @Test
  void stillClips_loseLessThanFastOnes_atTheSameBoundaries() throws Exception {
    List<Double> still = lost(table(plan("--clips", clips(0))));
    List<Double> fast = lost(table(plan("--clips", clips(4))));
    for (int i = 0; i < still.size(); i++) {
      assertThat(still.get(i)).isLessThan(0.3 * fast.get(i));
    }
  }

  /** At the last boundary of each pyramid. */
  private static List<Double> lost(List<String> table) {
    return table.stream()
        .skip(1)
        .map(line -> WORDS.splitToList(line).get(3))
        .map(lost -> Double.valueOf(lost.substring(lost.lastIndexOf(',') + 1)))
        .toList();
  }

  @Test
  void boundariesOfTheSpectrum_takeTheBudgetAndAreSaidAsOptions() throws Exception {
    var run = plan("--clips", clips(4), "--boundaries-from", "spectrum", "--budget", 0.02);
    assertThat(lost(table(run))).allMatch(lost -> lost <= 0.02);
    assertThat(run.out())
        .containsPattern("as options: --rates \\S+ --boundaries \\S+ --split \\S+\n");
    String options = run.out().lines().filter(l -> l.startsWith("as options: ")).findFirst().get();
    List<String> said = WORDS.splitToList(options.substring("as options: ".length()));
    assertThat(plan(said.toArray()).exitCode()).isZero();
  }

  @Test
  void stagesBesideClips_areRefused() throws Exception {
    var run = plan("--clips", clips(0), "--stages", 3);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--clips: chooses the stages; leave out --stages");
    var word = plan("--clips", clips(0), "--boundaries-from", "luck");
    assertThat(word.err()).contains("expected one of schedule, spectrum, found 'luck'");
  }
}
