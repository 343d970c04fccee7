package io.github.tpdiff.evaluation.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.evaluation.metric.Evaluation.Damaged;
import io.github.tpdiff.evaluation.metric.Evaluation.Measured;
import io.github.tpdiff.evaluation.metric.EvaluationResult.DistanceResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.SetResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.VideoResult;
import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.evaluation.metric.VideoSet.Captions;
import io.github.tpdiff.evaluation.metric.WindowFeatures.Layout;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EvaluationTest {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(50, 3);

  @TempDir Path folder;
  private Path generated;
  private Path real;
  private final AtomicInteger runs = new AtomicInteger();

  @BeforeEach
  void writeVideos() throws IOException {
    generated = Files.createDirectories(folder.resolve("generated"));
    real = Files.createDirectories(folder.resolve("real"));
    for (int i = 0; i < 4; i++) {
      VideoWriter.write(generated.resolve(i + ".mp4"), MadeFrames.waves(8, 32, i, 8));
      VideoWriter.write(real.resolve(i + ".mp4"), MadeFrames.waves(8, 32, i + 0.5, 8));
    }
  }

  /** The mean of each colour in a window of four frames. */
  private FeatureDistance distance(float nanAbove) {
    var colours =
        MadeNetwork.of(
            clip -> {
              runs.incrementAndGet();
              float[] data = clip.toFloatArray();
              var means = new float[3];
              for (int i = 0; i < data.length; i++) {
                means[i / (data.length / 3)] += data[i] * 3 / data.length;
              }
              means[1] = means[0] > nanAbove ? Float.NaN : means[1];
              return Tensor.ofFloats(means, 1, 3);
            });
    var plan = new WindowPlan(4, 4, OptionalInt.empty(), OptionalDouble.empty());
    return new FeatureDistance(
        "colours",
        new WindowFeatures(
            MadeNetwork.file(folder, "colours.pt", colours),
            PictureInput.asTheyAre(Values.UNIT),
            Layout.BCTHW,
            plan,
            Map.of()),
        "");
  }

  private static Measure flicker() {
    return new MeanMeasure(
        "temporal flickering", new FlickerFeatures(), MeanMeasure::likeness, "no network");
  }

  private static double flickering(VideoResult video) {
    return Objects.requireNonNull(video.values().get("temporal flickering")).value();
  }

  private Evaluation evaluation(FeatureDistance distance, Damaged damaged) {
    return new Evaluation(
        List.of(flicker()),
        Measured.GENERATED,
        List.of(distance),
        new FeatureCache(folder.resolve("cache")),
        BOOTSTRAP,
        damaged);
  }

  private EvaluationResult run(FeatureDistance distance) {
    return evaluation(distance, Damaged.LEFT_OUT)
        .run(
            VideoSet.read("generated", generated, Captions.BESIDE),
            Optional.of(VideoSet.read("real", real, Captions.BESIDE)),
            (video, done, total) -> {});
  }

  @Test
  void distance_isOfTheRowsOfAllWindows_andMeasuresAreMeansOfVideos() {
    EvaluationResult result = run(distance(9));
    DistanceResult distance = result.distances().get(0);
    assertThat(distance.distance().first()).isEqualTo(8);
    assertThat(distance.distance().second()).isEqualTo(8);
    assertThat(distance.generated()).isEqualTo(4);
    double value = distance.distance().value(Covariance.UNBIASED);
    assertThat(distance.interval().orElseThrow().low()).isLessThan(value);
    assertThat(distance.interval().orElseThrow().high()).isGreaterThan(value);
    SetResult set = result.sets().get(0);
    double mean =
        set.videos().stream().mapToDouble(EvaluationTest::flickering).average().orElseThrow();
    assertThat(set.measures().get(0).value().orElseThrow()).isCloseTo(mean, within(1e-12));
    assertThat(set.videos().get(0).facts()).isEqualTo(new VideoFacts(8, 32, 32, 8));
    assertThat(result.cautions()).isEmpty();
    assertThat(result.sets().get(1).measures()).isEmpty();
  }

  @Test
  void aSecondRun_takesWhatTheFirstKept_andDoesOnlyWhatIsNew() throws IOException {
    EvaluationResult first = run(distance(9));
    assertThat(runs.getAndSet(0)).isEqualTo(16);
    EvaluationResult second = run(distance(9));
    assertThat(runs.get()).isZero();
    assertThat(new EvaluationReport(second).json()).isEqualTo(new EvaluationReport(first).json());
    // By content: a copy under another name is known, other bytes are not.
    Files.copy(generated.resolve("1.mp4"), generated.resolve("copy.mp4"));
    VideoWriter.write(generated.resolve("2.mp4"), MadeFrames.waves(8, 32, 7, 8));
    EvaluationResult third = run(distance(9));
    assertThat(runs.get()).isEqualTo(2);
    assertThat(third.cautions()).anyMatch(line -> line.contains("1 videos are copies of others"));
    // A damaged file of the cache is made again.
    try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.write(file, new byte[5]);
      }
    }
    runs.set(0);
    assertThat(new EvaluationReport(run(distance(9))).json())
        .isEqualTo(new EvaluationReport(third).json());
    assertThat(runs.get()).isEqualTo(16);
  }

  @Test
  void aDamagedVideo_isNamedAndTheOthersCount() throws IOException {
    byte[] whole = Files.readAllBytes(generated.resolve("0.mp4"));
    Files.write(generated.resolve("cut.mp4"), Arrays.copyOf(whole, whole.length / 3));
    EvaluationResult result = run(distance(9));
    SetResult set = result.sets().get(0);
    assertThat(set.videos()).hasSize(4);
    assertThat(set.leftOut()).hasSize(1);
    assertThat(set.leftOut().get(0).reason()).contains("cut.mp4");
    assertThat(result.cautions())
        .anyMatch(line -> line.startsWith("generated: 1 of 5 videos could not be read"));
    assertThatThrownBy(
            () ->
                evaluation(distance(9), Damaged.REFUSED)
                    .run(
                        VideoSet.read("generated", generated, Captions.BESIDE),
                        Optional.empty(),
                        (video, done, total) -> {}))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("cut.mp4");
  }

  @Test
  void realVideos_areMeasuredWhereAsked_andThoseOfBothSetsSaid() throws IOException {
    Files.copy(generated.resolve("0.mp4"), real.resolve("same.mp4"));
    EvaluationResult result =
        new Evaluation(
                List.of(flicker()),
                Measured.ALL,
                List.of(),
                new FeatureCache(folder.resolve("cache")),
                BOOTSTRAP,
                Damaged.LEFT_OUT)
            .run(
                VideoSet.read("generated", generated, Captions.BESIDE),
                Optional.of(VideoSet.read("real", real, Captions.BESIDE)),
                (video, done, total) -> {});
    assertThat(result.sets().get(1).measures().get(0).videos()).isEqualTo(5);
    assertThat(result.cautions())
        .containsExactly("1 generated videos are also among the real, byte for byte");
  }

  @Test
  void featuresWithNan_areRefused_namingTheVideo() {
    assertThatThrownBy(() -> run(distance(-1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("0.mp4: expected finite features, found NaN at number 1 of row 0");
  }

  @Test
  void anEmptyFolder_andOneOfPicturesAlone_areNamed() throws IOException {
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(() -> VideoSet.read("real", empty, Captions.BESIDE))
        .hasMessageStartingWith(empty + ": expected videos");
    Path broken = Files.createDirectories(folder.resolve("broken"));
    Files.write(broken.resolve("a.mp4"), new byte[100]);
    assertThatThrownBy(
            () ->
                evaluation(distance(9), Damaged.LEFT_OUT)
                    .run(
                        VideoSet.read("generated", broken, Captions.BESIDE),
                        Optional.empty(),
                        (video, done, total) -> {}))
        .hasMessageContaining("found none of 1 that can be read, such as")
        .hasMessageContaining("a.mp4");
  }

  @Test
  void otherSizesRatesAndLengths_areSaid() throws IOException {
    VideoWriter.write(real.resolve("large.mp4"), MadeFrames.waves(8, 48, 1, 24));
    VideoWriter.write(generated.resolve("short.mp4"), MadeFrames.waves(3, 32, 1, 8));
    VideoWriter.write(generated.resolve("still.mp4"), MadeFrames.waves(1, 32, 1, 8));
    EvaluationResult result = run(distance(9));
    assertThat(result.cautions())
        .containsExactly(
            "temporal flickering: 1 of 6 videos have no value, as they have too few frames or no caption",
            "sizes differ: generated 32x32 (6), real 32x32 (4) 48x48 (1); networks see them resized",
            "frames per second differ: generated 8 (6), real 8 (4) 24 (1); windows take frames as they come unless --fps names one rate for all",
            "colours: 2 of 6 generated videos are shorter than a window and do not count");
  }

  @Test
  void oneVideo_hasNoInterval_andFewAreSaidToBeFew() throws IOException {
    Path one = Files.createDirectories(folder.resolve("one"));
    VideoWriter.write(one.resolve("a.mp4"), MadeFrames.waves(4, 32, 1, 8));
    EvaluationResult result =
        evaluation(distance(9), Damaged.LEFT_OUT)
            .run(
                VideoSet.read("generated", one, Captions.BESIDE),
                Optional.of(VideoSet.read("real", real, Captions.BESIDE)),
                (video, done, total) -> {});
    DistanceResult distance = result.distances().get(0);
    assertThat(distance.interval()).isEmpty();
    assertThat(distance.distance().value(Covariance.UNBIASED))
        .isEqualTo(distance.distance().meanTerm());
    assertThat(distance.cautions())
        .containsExactly(
            "one row has no covariance: this is the mean term alone",
            "no interval: it takes two videos of each set");
    assertThat(result.sets().get(0).measures().get(0).interval()).isEmpty();
    // Two windows of one video beside them are no more than three dimensions.
    VideoWriter.write(one.resolve("b.mp4"), MadeFrames.waves(8, 32, 2, 8));
    DistanceResult few =
        evaluation(distance(9), Damaged.LEFT_OUT)
            .run(
                VideoSet.read("generated", one, Captions.BESIDE),
                Optional.of(VideoSet.read("real", real, Captions.BESIDE)),
                (video, done, total) -> {})
            .distances()
            .get(0);
    assertThat(few.cautions())
        .singleElement()
        .asString()
        .startsWith("3 and 8 rows for 3 dimensions: the covariances are not of full rank");
  }

  @Test
  void captions_areThoseBesideOrTheNames() throws IOException {
    Files.writeString(generated.resolve("0.txt"), "a wave");
    VideoWriter.write(generated.resolve("a red ball-12.mp4"), MadeFrames.waves(2, 32, 1, 8));
    assertThat(VideoSet.read("generated", generated, Captions.BESIDE).videos().get(0).caption())
        .contains("a wave");
    assertThat(VideoSet.read("generated", generated, Captions.NAMES).videos())
        .anyMatch(video -> video.caption().equals(Optional.of("a red ball")));
  }

  @Test
  void report_hasEveryNumber_andThePageNeedsNothingBesideIt() throws IOException {
    Files.writeString(generated.resolve("0.txt"), "<b>a wave</b>");
    EvaluationResult result = run(distance(9));
    new EvaluationReport(result).write(folder.resolve("out"));
    JsonNode json =
        new ObjectMapper()
            .readTree(folder.resolve("out").resolve(EvaluationReport.JSON_FILE).toFile());
    assertThat(json.at("/distances/0/values/population").asDouble())
        .isEqualTo(result.distances().get(0).distance().value(Covariance.POPULATION));
    assertThat(json.at("/sets/0/measures/0/value").asDouble())
        .isEqualTo(result.sets().get(0).measures().get(0).value().orElseThrow());
    assertThat(json.at("/sets/0/videos/3/values/temporal flickering").asDouble())
        .isEqualTo(flickering(result.sets().get(0).videos().get(3)));
    assertThat(json.at("/sets/0/videos/0/caption").asText()).isEqualTo("<b>a wave</b>");
    String page = Files.readString(folder.resolve("out").resolve(EvaluationReport.HTML_FILE));
    assertThat(page)
        .contains("colours", "temporal flickering", "0.mp4", "&lt;b&gt;a wave")
        .doesNotContain("<b>a wave", "http", "src=", "NaN");
  }
}
