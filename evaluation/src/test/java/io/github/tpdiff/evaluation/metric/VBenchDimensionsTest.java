package io.github.tpdiff.evaluation.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.evaluation.metric.Measure.ClipValue;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each dimension against VBench's own function of 2026-03-23, run with torch 2.15 on the frames of
 * {@link MadeFrames} and small functions in place of its networks: those written here in Java.
 */
final class VBenchDimensionsTest {
  /** Single precision there, over 224 x 224 pixels. */
  private static final double SINGLE = 2e-7;

  @TempDir Path folder;

  private NetworkFile pool() {
    return MadeNetwork.file(folder, "pool.pt", MadeNetwork.of(MadeNetwork::pooled));
  }

  private static void assertValue(Measure measure, double expected, double tolerance) {
    Optional<ClipValue> value = measure.of(MadeFrames.video(measure));
    assertThat(value.orElseThrow().value()).isCloseTo(expected, within(tolerance));
  }

  @Test
  void subjectConsistency_isVBenchs() {
    var measure =
        new ConsistencyMeasure("subject consistency", PictureFeatures.of(pool(), Metrics.DINO), "");
    assertValue(measure, 0.4239062780203919, SINGLE);
    assertThat(measure.of(MadeFrames.video(measure)).orElseThrow().weight())
        .isEqualTo(MadeFrames.FRAMES - 1);
    assertThat(measure.of(MadeFrames.video(measure, 1))).isEmpty();
  }

  @Test
  void backgroundConsistency_isVBenchs() {
    assertValue(
        new ConsistencyMeasure(
            "background consistency", PictureFeatures.of(pool(), Metrics.CLIP_TENSOR), ""),
        0.5076652318239212,
        SINGLE);
  }

  @Test
  void temporalFlickering_isVBenchs() {
    var measure =
        new MeanMeasure("temporal flickering", new FlickerFeatures(), MeanMeasure::likeness, "");
    assertValue(measure, 0.6473712696748621, SINGLE);
    assertThat(measure.of(MadeFrames.video(measure, 1))).isEmpty();
  }

  @Test
  void aestheticQuality_isVBenchs() {
    var weight = new float[48];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (i % 7 - 3) / 4f;
    }
    Path predictor = folder.resolve("linear.safetensors");
    SafetensorsWriter.write(
        predictor,
        MemoryTensors.builder()
            .addFloats("weight", List.of(1L, 48L), weight)
            .addFloats("bias", List.of(1L), 5.5f)
            .build());
    assertValue(
        AestheticQuality.of(PictureFeatures.of(pool(), Metrics.CLIP_TENSOR), predictor),
        0.5450159311294556,
        SINGLE);
  }

  @Test
  void aPredictorOfAnotherShape_isRefused() {
    Path predictor = folder.resolve("mlp.safetensors");
    SafetensorsWriter.write(
        predictor,
        MemoryTensors.builder()
            .addFloats("weight", List.of(2L, 3L), new float[6])
            .addFloats("bias", List.of(2L), 0, 0)
            .build());
    assertThatThrownBy(
            () -> AestheticQuality.of(PictureFeatures.of(pool(), Metrics.CLIP_TENSOR), predictor))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected weight [1, D] and bias [1]");
  }

  @Test
  void imagingQuality_isVBenchs() {
    // 100 times the mean, less the deviation of red.
    NetworkFile musiq =
        MadeNetwork.file(
            folder,
            "musiq.pt",
            MadeNetwork.of(
                picture -> {
                  float[] data = picture.toFloatArray();
                  int plane = data.length / 3;
                  double sum = 0;
                  double red = 0;
                  double squares = 0;
                  for (int i = 0; i < data.length; i++) {
                    sum += data[i];
                    red += i < plane ? data[i] : 0;
                    squares += i < plane ? (double) data[i] * data[i] : 0;
                  }
                  double variance = (squares - red * red / plane) / (plane - 1);
                  double score = 100 * sum / data.length - Math.sqrt(variance);
                  return Tensor.ofFloats(new float[] {(float) score}, 1, 1);
                }));
    assertValue(
        new MeanMeasure(
            "imaging quality", PictureFeatures.of(musiq, Metrics.MUSIQ), mean -> mean / 100, ""),
        0.49698541787954476,
        SINGLE);
  }

  @Test
  void appearanceStyle_isVBenchs() {
    var text = new float[48];
    for (int i = 0; i < text.length; i++) {
      text[i] = (i * 5 % 11 - 5) / 8f;
    }
    NetworkFile encoder =
        MadeNetwork.file(
            folder, "text.pt", MadeNetwork.of(ids -> Tensor.ofFloats(text, 1, text.length)));
    var measure =
        new TextSimilarity(
            "appearance style",
            PictureFeatures.of(pool(), Metrics.CLIP_PILLOW),
            new TextFeatures(encoder, new MadeTokenizer()),
            video -> Optional.of("Van Gogh style"),
            /* isByFrame= */ true,
            "");
    assertValue(measure, -0.002021888311092666, SINGLE);
    assertThat(measure.of(MadeFrames.video(measure)).orElseThrow().weight())
        .isEqualTo(MadeFrames.FRAMES);
  }

  @Test
  void motionSmoothness_isVBenchs() {
    // 0.6 of the one, and 0.4 of the other moved by a column with what leaves coming in again.
    var amt =
        new MadeNetwork(
            List.of("one", "two"),
            given -> {
              Tensor one = MadeNetwork.given(given, "one");
              float[] a = one.toFloatArray();
              float[] b = MadeNetwork.given(given, "two").toFloatArray();
              int width = (int) one.shape()[3];
              var between = new float[a.length];
              for (int i = 0; i < a.length; i++) {
                int column = i % width;
                int before = column == 0 ? i + width - 1 : i - 1;
                between[i] = 0.6f * a[i] + 0.4f * b[before];
              }
              return List.of(Tensor.ofFloats(between, one.shape()));
            });
    var measure =
        new MeanMeasure(
            "motion smoothness",
            new InterpolationFeatures(MadeNetwork.file(folder, "amt.pt", amt)),
            MeanMeasure::likeness,
            "");
    assertValue(measure, 0.6873748207735135, SINGLE);
    assertThat(measure.of(MadeFrames.video(measure, 2))).isEmpty();
  }

  /** Of flows that are the difference of red and green by a scale. */
  private FlowFeatures flow(float scale) {
    var raft =
        new MadeNetwork(
            List.of("one", "two"),
            given -> {
              Tensor one = MadeNetwork.given(given, "one");
              float[] a = one.toFloatArray();
              float[] b = MadeNetwork.given(given, "two").toFloatArray();
              var flow = new float[a.length / 3 * 2];
              for (int i = 0; i < flow.length; i++) {
                flow[i] = (b[i] - a[i]) / scale;
              }
              long[] shape = one.shape();
              shape[1] = 2;
              return List.of(Tensor.zeros(1, 2, 1, 1), Tensor.ofFloats(flow, shape));
            });
    return new FlowFeatures(MadeNetwork.file(folder, "raft.pt", raft));
  }

  /** The fastest twentieth of the first pair, and whether the video moves. */
  @ParameterizedTest
  @CsvSource({
    "60, 4.138776779174805, 4.092230796813965, true",
    "350, 0.7095046043395996, 0.7015254497528076, true",
    "352, 0.7054733037948608, 0.6975394487380981, false",
    "400, 0.6208164691925049, 0.6138347387313843, false"
  })
  void dynamicDegree_isVBenchs(float scale, double first, double last, boolean moves) {
    var measure = new DynamicDegree(flow(scale));
    MeasuredVideo video = MadeFrames.video(measure);
    FeatureRows rows = video.rows(measure.features());
    assertThat(rows.rows()).isEqualTo(6);
    assertThat((double) rows.at(0, 0)).isCloseTo(first, within(2e-6));
    assertThat((double) rows.at(5, 0)).isCloseTo(last, within(2e-6));
    assertThat(rows.at(0, 1)).isEqualTo(0.703125f);
    assertThat(measure.of(video).orElseThrow().value()).isEqualTo(moves ? 1 : 0);
  }

  @Test
  void dynamicDegree_ofOneFrame_isNone() {
    var measure = new DynamicDegree(flow(1));
    assertThat(measure.of(MadeFrames.video(measure, 1)).orElseThrow().value()).isZero();
  }

  @Test
  void aNetworkThatGivesAnotherSize_isNamed() {
    NetworkFile still =
        MadeNetwork.file(
            folder,
            "raft.pt",
            new MadeNetwork(List.of("a", "b"), given -> List.of(Tensor.zeros(1, 2, 4, 4))));
    assertThatThrownBy(() -> MadeFrames.rows(new FlowFeatures(still)))
        .hasMessageContaining("raft.pt: expected an optical flow [1, 2, 32, 40]")
        .hasMessageContaining("[1, 2, 4, 4]");
    NetworkFile tokens =
        MadeNetwork.file(folder, "vit.pt", MadeNetwork.of(x -> Tensor.zeros(1, 50, 8)));
    assertThatThrownBy(() -> MadeFrames.rows(PictureFeatures.of(tokens, Metrics.DINO)))
        .hasMessageContaining("vit.pt: expected one row of features [1, D]");
  }
}
