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
import java.util.regex.Pattern;
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

  /** The lines of candidates. */
  private static List<String> table(Invocation run) {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return run.out()
        .lines()
        .filter(line -> line.matches(" +\\d  (-|[\\dx,]+) .* \\d\\.\\d{3} .*"))
        .toList();
  }

  private static String chosen(Invocation run) {
    return table(run).stream().filter(line -> line.endsWith("  chosen")).findFirst().orElseThrow();
  }

  @Test
  void clips_chooseTheStages_byWhatTheyLoseOfThem() throws Exception {
    Path fast = clips(4);
    var open = plan("--clips", fast, "--budget", 100);
    assertThat(open.out()).contains("2 clips of 2 videos, [9, 8, 8] latent frames, rows and col");
    String cheapest = chosen(open);
    // Everything is open: the cheapest of all, along every axis.
    assertThat(cheapest)
        .contains(" 3  2,2x4x4 ")
        .isEqualTo(table(open).get(table(open).size() - 1));
    assertThat(table(open).get(0)).startsWith("     1  -").endsWith("costs more");
    assertThat(open.out()).contains("in a job:   stages: {rates: [2, [2, 4, 4]]}\n");
    var strict = plan("--clips", fast, "--budget", 1e-6);
    assertThat(chosen(strict)).startsWith("     1  -");
    assertThat(strict.out()).contains("as options: --stages 1\n");
    assertThat(table(strict))
        .hasSizeGreaterThan(1)
        .allMatch(line -> line.endsWith("chosen") || line.endsWith("loses more than the budget"));
  }

  /** The ones change over time alone, the others hardly at all and over space more than that. */
  @Test
  void axes_areThoseAlongWhichLeastIsLost() throws Exception {
    var fast = plan("--clips", clips(4), "--budget", 0.005);
    var still = plan("--clips", clips(0), "--budget", 1e-7);
    assertThat(chosen(fast)).matches(" +\\d  1x\\dx\\d .*");
    assertThat(chosen(still)).matches(" +\\d  [24](,2)? .*");
    assertThat(discardedOverTime(still)).isLessThan(0.3 * discardedOverTime(fast));
  }

  /** By every second frame, in percent of all power. */
  private static double discardedOverTime(Invocation run) {
    var line = Pattern.compile("of their power strides discard: 2 (\\S+) %, ").matcher(run.out());
    assertThat(line.find()).as(run.out()).isTrue();
    return Double.parseDouble(line.group(1));
  }

  private static double lost(String line) {
    String lost = WORDS.splitToList(line).get(3);
    return Double.parseDouble(lost.substring(lost.lastIndexOf(',') + 1));
  }

  @Test
  void boundariesOfTheSpectrum_takeTheBudgetAndAreSaidAsOptions() throws Exception {
    var run = plan("--clips", clips(4), "--boundaries-from", "spectrum", "--budget", 0.02);
    assertThat(table(run).stream().skip(1)).allMatch(line -> lost(line) <= 0.02);
    assertThat(run.out())
        .containsPattern("as options: --rates \\S+ --boundaries \\S+ --split \\S+\n");
    String options = run.out().lines().filter(l -> l.startsWith("as options: ")).findFirst().get();
    List<String> said = WORDS.splitToList(options.substring("as options: ".length()));
    assertThat(plan(said.toArray()).exitCode()).isZero();
  }

  @Test
  void probe_ofStagesThatOptionsSay_showsLossesByPositions() throws Exception {
    Path clips = clips(4);
    Files.writeString(clips.resolve("clip0.txt"), "a flash");
    var run = plan("--clips", clips, "--probe", "--rates", "2x2x2");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("by the positions that it is told")
        .containsPattern("\nstage  latent grid +scaled +native,scaled,scaled .* vanilla  times")
        .containsPattern("\n    2    \\[5, 4, 4\\]( +\\d+\\.\\d{4}){3,5} +\\d+\\.\\d\\d\n")
        .containsPattern("\n    1    \\[9, 8, 8\\]( +\\d+\\.\\d{4}){3,5} +\\d+\\.\\d\\d\n")
        .containsPattern("\npositions: \\S.*, of the least sum over the stages\n")
        .contains("    2  1.00 to ");
  }

  @Test
  void probe_ofSmallerVideos_isOfTheirLatents() throws Exception {
    Path clips = clips(4);
    var latent = plan("--clips", clips, "--probe", "--rates", "1x2x2");
    var pixel = plan("--clips", clips, "--probe", "--rates", "1x2x2", "--targets", "pixel");
    assertThat(pixel.exitCode()).as(pixel.err()).isZero();
    assertThat(stage(pixel, 2)).isNotEqualTo(stage(latent, 2));
    assertThat(pixel.out())
        .contains("as options: --rates 1x2x2 --targets pixel")
        .contains("in a job:   stages: {rates: [[1, 2, 2]], targets: pixel");
  }

  private static String stage(Invocation run, int number) {
    return run.out().lines().filter(l -> l.startsWith("    " + number)).findFirst().orElseThrow();
  }

  /** With a spoiled expectation of its own a random network is as far from every stage. */
  @Test
  void probe_choosesTheCheapestThatIsNearEnough() throws Exception {
    Path clips = clips(4);
    var open = plan("--clips", clips, "--budget", 100, "--probe", "--excess", 1e6);
    assertThat(chosen(open)).isEqualTo(table(open).get(table(open).size() - 1));
    assertThat(open.out()).contains("(--excess); 1 were tried").contains("mean squared error");
    var strict = plan("--clips", clips, "--budget", 100, "--probe", "--excess", 1);
    assertThat(strict.exitCode()).as(strict.err()).isZero();
    assertThat(table(strict).stream().filter(line -> line.endsWith("the checkpoint knows")))
        .hasSizeGreaterThan(1);
  }

  /** AnimateDiff's network reads no positions of rows and columns. */
  @Test
  void networkWithoutPositionsOverSpace_hasNothingToChooseThere() throws Exception {
    Path checkpoint = folder.resolve("animate");
    assertThat(Invocation.of("new-checkpoint", "animatediff-tiny", checkpoint).exitCode()).isZero();
    var run =
        Invocation.of(
            "plan",
            checkpoint,
            "--clips",
            clips(4),
            "--probe",
            "--rates",
            "1x2x2",
            "--device",
            "cpu");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains(
            "positions: scaled; this network reads no positions of rows and columns, so there is"
                + " nothing to choose");
  }

  @Test
  void stagesBesideClips_areRefused_andAProbeWithoutThem() throws Exception {
    var run = plan("--clips", clips(0), "--stages", 3);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--clips: chooses the stages; leave out --stages");
    var word = plan("--clips", clips(0), "--boundaries-from", "luck");
    assertThat(word.err()).contains("expected one of schedule, spectrum, found 'luck'");
    assertThat(plan("--probe").err()).contains("--probe: expected clips to run it on");
    assertThat(plan("--clips", clips(0), "--probe", "--excess", 0.5).err())
        .contains("--excess: at least 1, found 0.5");
  }
}
