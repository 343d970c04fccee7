package io.github.tpdiff.evaluation.metric;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Mean over frames of the cosine of CLIP's features of the frame and of a text.
 *
 * @param textOf what a video is held to, if it is known
 * @param isByFrame whether over videos every frame counts alike, else every video
 */
record TextSimilarity(
    String name,
    PictureFeatures pictures,
    TextFeatures texts,
    Function<MeasuredVideo, Optional<String>> textOf,
    boolean isByFrame,
    String said)
    implements Measure {
  @Override
  public Better better() {
    return Better.HIGHER;
  }

  @Override
  public List<FeatureExtractor> needs() {
    return List.of(pictures);
  }

  @Override
  public Optional<ClipValue> of(MeasuredVideo video) {
    return textOf.apply(video).map(text -> similarity(video, texts.of(text)));
  }

  private ClipValue similarity(MeasuredVideo video, FeatureRows text) {
    FeatureRows rows = video.rows(pictures).normalised();
    double sum = 0;
    for (int i = 0; i < rows.rows(); i++) {
      sum += rows.product(i, text, 0);
    }
    return new ClipValue(sum / rows.rows(), isByFrame ? rows.rows() : 1);
  }

  @Override
  public String note() {
    return texts.cut() == 0
        ? said
        : said + "; of %d texts CLIP read only the beginning".formatted(texts.cut());
  }
}
