package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.LowFrequencies;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which noise each clip gets: what alignment gains, and what it must not change. */
final class NoiseWindowsTest {
  private static final NoiseSchedule SCHEDULE =
      Scheduler.fromConfig(Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
          .schedule();

  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()), SCHEDULE);

  private static TrainingSettings settings(long seed, int batchSize, double captionDropout) {
    return new TrainingSettings(
        seed,
        1,
        new Batches(batchSize, 1),
        Descent.constant(1),
        Dropout.ofCaptions(captionDropout),
        Activations.RECOMPUTED);
  }

  /** Clips of an even brightness with a little noise; what is told of a clip is chosen apart. */
  private record Bright(LatentShape shape, List<Double> levels, List<Integer> captions)
      implements TrainingSet {
    @Override
    public List<LatentShape> shapes() {
      return levels.stream().map(level -> shape).toList();
    }

    @Override
    public Latents latents(int clip) {
      Latents noise = NoiseSource.seeded(1000 + clip).draw(shape).times(0.3);
      for (int i = 0; i < noise.data().length; i++) {
        noise.data()[i] += levels.get(clip).floatValue();
      }
      return noise;
    }

    @Override
    public Conditions conditions(int clip) {
      return new Conditions(
          TinyNetwork.FLOW, Map.of("text", Tensor.ofFloats(new float[] {captions.get(clip)}, 1)));
    }

    @Override
    public Map<String, Tensor> uncaptioned() {
      return Map.of("text", Tensor.ofFloats(new float[] {-1}, 1));
    }

    @Override
    public String fingerprint() {
      return "bright";
    }
  }

  private static final LatentShape SMALL = new LatentShape(1, 2, 5, 2, 2);

  /** Twelve bright clips of caption 1 and twelve dark ones of caption 0, or all of one caption. */
  private static Bright brightAndDark(LatentShape shape, boolean told) {
    var levels = new ArrayList<Double>();
    var captions = new ArrayList<Integer>();
    for (int i = 0; i < 24; i++) {
      levels.add(i % 2 == 0 ? -1.0 : 1.0);
      captions.add(told ? i % 2 : 0);
    }
    return new Bright(shape, levels, captions);
  }

  /** Sums by kind of visit of what is N(0, 1) for white noise: a noise along even brightness. */
  private static final class Skew {
    private final Map<String, List<Double>> values = new HashMap<>();

    void add(String kind, Latents noise) {
      double sum = 0;
      for (float value : noise.data()) {
        sum += value;
      }
      values
          .computeIfAbsent(kind, k -> new ArrayList<>())
          .add(sum / Math.sqrt(noise.data().length));
    }

    /** The mean in units of its standard error. */
    double of(String kind) {
      List<Double> own = values.getOrDefault(kind, List.of());
      return own.stream().mapToDouble(Double::doubleValue).sum() / Math.sqrt(own.size());
    }
  }

  private static Skew skew(TrainingSet told, int batchSize, double dropout) {
    return skew(told, PHASED.withAlignment(Alignment.window(24)), batchSize, dropout);
  }

  private static Skew skew(
      TrainingSet told, PhasedDiffusion diffusion, int batchSize, double dropout) {
    var skew = new Skew();
    var settings = settings(3, batchSize, dropout);
    var visits = new Visits(diffusion, told, settings);
    try (var windows =
        new NoiseWindows(
            new Visits(diffusion, told, settings), told, diffusion.alignment(), batchSize)) {
      for (long b = 0; b < 1200 / batchSize; b++) {
        List<Visits.Visit> batch = visits.batch(b);
        List<Long> seeds = windows.seeds(batch);
        LatentShape shape =
            told.shapes().get(batch.get(0).clip()).withGrid(visits.stage(b).grid().size());
        for (int i = 0; i < batch.size(); i++) {
          boolean bright = batch.get(i).clip() % 2 == 1;
          skew.add(
              !visits.shown(batch.get(i)).caption() ? "none" : bright ? "bright" : "dark",
              NoiseSource.seeded(seeds.get(i)).draw(shape));
        }
      }
    }
    return skew;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void noiseGivenTheCaption_staysWhite(int batchSize) {
    Skew skew = skew(brightAndDark(SMALL, true), batchSize, 0.3);
    for (String kind : List.of("bright", "dark", "none")) {
      assertThat(Math.abs(skew.of(kind))).as(kind).isLessThan(4);
    }
  }

  /** What the test above is there for: the same clips, exchanged over captions. */
  @Test
  void noiseGivenTheBrightness_isSkewedWhereCaptionsDoNotTellItApart() {
    Skew skew = skew(brightAndDark(SMALL, false), 1, 0);
    assertThat(skew.of("bright")).isGreaterThan(10);
    assertThat(skew.of("dark")).isLessThan(-10);
  }

  @Test
  void window_permutesTheSeedsOfEachCaptionAndBringsNoiseCloser() {
    var clips =
        new Bright(SMALL, List.of(-1.0, -0.5, 0.5, 1.0, 2.0, 3.0), List.of(0, 0, 0, 1, 1, 1));
    var diffusion = PHASED.withAlignment(Alignment.window(6));
    int improved = 0;
    for (int seed = 0; seed < 6; seed++) {
      var settings = settings(seed, 1, 0);
      var visits = new Visits(diffusion, clips, settings);
      var before = new HashMap<Integer, List<Long>>();
      var after = new HashMap<Integer, List<Long>>();
      double gain = 0;
      try (var windows =
          new NoiseWindows(
              new Visits(diffusion, clips, settings), clips, diffusion.alignment(), 1)) {
        for (int b = 0; b < 6; b++) {
          Visits.Visit visit = visits.batch(b).get(0);
          long aligned = windows.seeds(List.of(visit)).get(0);
          int caption = clips.captions().get(visit.clip());
          before.computeIfAbsent(caption, c -> new ArrayList<>()).add(visits.seed(visit));
          after.computeIfAbsent(caption, c -> new ArrayList<>()).add(aligned);
          Latents clean =
              visits.plan(visit.clip()).clean(visits.stage(b), clips.latents(visit.clip()));
          gain += clean.dot(noise(aligned, clean)) - clean.dot(noise(visits.seed(visit), clean));
        }
      }
      // A caption's seeds go to its own clips only; a stage that is not visited keeps some back.
      after.forEach(
          (caption, seeds) ->
              assertThat(before.getOrDefault(caption, List.of())).hasSameSizeAs(seeds));
      improved += gain > 0 ? 1 : 0;
    }
    assertThat(improved).isGreaterThanOrEqualTo(5);
  }

  private static Latents noise(long seed, Latents like) {
    return NoiseSource.seeded(seed).draw(like.shape());
  }

  /** Clips of which only a smaller video is bright or dark, or only they themselves are. */
  private record Smaller(Bright clips, Bright smaller) implements TrainingSet {
    @Override
    public List<LatentShape> shapes() {
      return clips.shapes();
    }

    @Override
    public Latents latents(int clip) {
      return clips.latents(clip);
    }

    @Override
    public Latents latents(int clip, GridFactor strides) {
      return strides.equals(GridFactor.ONE) ? latents(clip) : smaller.latents(clip);
    }

    @Override
    public Conditions conditions(int clip) {
      return clips.conditions(clip);
    }

    @Override
    public Map<String, Tensor> uncaptioned() {
      return clips.uncaptioned();
    }

    @Override
    public String fingerprint() {
      return "smaller";
    }
  }

  /** In the stage of the smaller videos their brightness decides, in the last that of the clips. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void stagesOfPixelTargets_areAlignedWithTheirOwnVideos(boolean smallerAreTold) {
    var pixel =
        PhasedDiffusion.of(
                StageConfig.of(List.of(GridFactor.cube(2)), FrameResampling.sharedFirstFrame())
                    .withTargets(StageConfig.Targets.PIXEL),
                SCHEDULE)
            .withAlignment(Alignment.window(24));
    var grey = Collections.nCopies(24, 0.0);
    var same = Collections.nCopies(24, 0);
    List<Double> levels = brightAndDark(SMALL, false).levels();
    var set =
        new Smaller(
            new Bright(SMALL, smallerAreTold ? grey : levels, same),
            new Bright(new LatentShape(1, 2, 3, 1, 1), smallerAreTold ? levels : grey, same));
    for (int stage : List.of(2, 1)) {
      Skew skew =
          skew(set, pixel.withWeights(new StageWeights(List.of(stage - 1.0, 2.0 - stage))), 1, 0);
      if ((stage == 2) == smallerAreTold) {
        assertThat(skew.of("bright")).isGreaterThan(10);
        assertThat(skew.of("dark")).isLessThan(-10);
      } else {
        assertThat(Math.abs(skew.of("bright"))).isLessThan(4);
      }
    }
  }

  /** A resumed run begins in the middle of a window, and none begins with the next one ready. */
  @Test
  void seeds_doNotDependOnWhereARunBegins() {
    var clips = brightAndDark(SMALL, true);
    var diffusion = PHASED.withAlignment(Alignment.window(8));
    var settings = settings(7, 2, 0.2);
    List<List<Long>> whole = seeds(clips, diffusion, settings, 0);
    assertThat(whole).isNotEqualTo(seeds(clips, PHASED, settings, 0));
    for (int from : List.of(1, 5, 13)) {
      assertThat(seeds(clips, diffusion, settings, from))
          .isEqualTo(whole.subList(from, whole.size()));
    }
  }

  private static List<List<Long>> seeds(
      TrainingSet clips, PhasedDiffusion diffusion, TrainingSettings settings, int from) {
    var visits = new Visits(diffusion, clips, settings);
    try (var windows =
        new NoiseWindows(new Visits(diffusion, clips, settings), clips, diffusion.alignment(), 2)) {
      return IntStream.range(from, 20).mapToObj(b -> windows.seeds(visits.batch(b))).toList();
    }
  }

  /** Clips of one caption each have nobody to exchange with: not even read. */
  @Test
  void captionsThatAllDiffer_costNothing() {
    var clips = new Bright(SMALL, List.of(-1.0, 0.0, 1.0, 2.0), List.of(0, 1, 2, 3));
    var unread =
        new TrainingSet() {
          @Override
          public List<LatentShape> shapes() {
            return clips.shapes();
          }

          @Override
          public Latents latents(int clip) {
            throw new IllegalStateException("clip " + clip + " was read");
          }

          @Override
          public Conditions conditions(int clip) {
            return clips.conditions(clip);
          }

          @Override
          public Map<String, Tensor> uncaptioned() {
            return clips.uncaptioned();
          }

          @Override
          public String fingerprint() {
            return clips.fingerprint();
          }
        };
    var aligned = PHASED.withAlignment(Alignment.window(8));
    assertThat(seeds(unread, aligned, settings(7, 2, 0), 0))
        .isEqualTo(seeds(unread, PHASED, settings(7, 2, 0), 0));
  }

  @Test
  void failureWhileAWindowIsPrepared_reachesTheTrainingThread() {
    var clips = brightAndDark(SMALL, true);
    var broken =
        new TrainingSet() {
          @Override
          public List<LatentShape> shapes() {
            return clips.shapes();
          }

          @Override
          public Latents latents(int clip) {
            throw new IllegalStateException("unreadable");
          }

          @Override
          public Conditions conditions(int clip) {
            return clips.conditions(clip);
          }

          @Override
          public Map<String, Tensor> uncaptioned() {
            return clips.uncaptioned();
          }

          @Override
          public String fingerprint() {
            return clips.fingerprint();
          }
        };
    assertThatThrownBy(
            () -> seeds(broken, PHASED.withAlignment(Alignment.window(8)), settings(7, 2, 0), 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("unreadable");
  }

  /** 16 x 21 x 60 x 104 values become few: the gain is nearly that of all of them. */
  @Test
  void largeLatents_areAlignedByTheirLowFrequencies() {
    var large = new LatentShape(1, 4, 5, 24, 40);
    assertThat(LowFrequencies.of(NoiseSource.seeded(1).draw(large)).data())
        .hasSizeLessThanOrEqualTo(LowFrequencies.MOST);
    Skew skew = skew(brightAndDark(large, false), 4, 0);
    assertThat(skew.of("bright")).isGreaterThan(10);
  }
}
