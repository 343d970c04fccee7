package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.evaluation.metric.PictureInput.Filter;
import io.github.tpdiff.evaluation.metric.PictureInput.Fit;
import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The metrics that the user's files allow, under their published names. VBench's are the numbers of
 * single dimensions: its total takes all sixteen.
 */
public final class Metrics implements AutoCloseable {
  private static final int SIDE = 224;

  /** Source: VBench, {@code dino_transform}. */
  static final PictureInput DINO =
      new PictureInput(Fit.SHORTER, SIDE, Filter.BILINEAR, Values.IMAGENET);

  /** Source: VBench, {@code clip_transform} on tensors. */
  static final PictureInput CLIP_TENSOR =
      new PictureInput(Fit.CROP, SIDE, Filter.BICUBIC, Values.CLIP);

  /** Source: CLIP, {@code clip.load}; VBench, {@code clip_transform_Image}. */
  static final PictureInput CLIP_PILLOW =
      new PictureInput(Fit.CROP, SIDE, Filter.PILLOW_BICUBIC, Values.CLIP);

  /** Source: VBench, {@code imaging_quality.py}, mode "longer". */
  static final PictureInput MUSIQ = new PictureInput(Fit.LONGER, 512, Filter.BILINEAR, Values.UNIT);

  private final FeatureNetwork.Opener opener;
  private final Map<Path, NetworkFile> networks = new HashMap<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<Measure> measures = new ArrayList<>();
  private final List<FeatureDistance> distances = new ArrayList<>();

  private Metrics(FeatureNetwork.Opener opener) {
    this.opener = opener;
  }

  /**
   * What distances are asked of the files, and how.
   *
   * @param preparation of frames for I3D
   * @param input of the other network
   * @param windows of both
   * @param style that all videos should have, for appearance style; empty for none
   */
  public record Choice(
      I3d.Preparation preparation,
      FeatureInput input,
      WindowPlan windows,
      Optional<String> style) {}

  /**
   * The metrics of some files; files are opened when they are first needed.
   *
   * @throws IllegalArgumentException if a file is missing that another one needs
   */
  public static Metrics of(MetricFiles files, Choice choice, FeatureNetwork.Opener opener) {
    var metrics = new Metrics(opener);
    metrics.addDistances(files, choice);
    metrics.addConsistencies(files);
    metrics.addTexts(files, choice.style());
    metrics.addQualities(files);
    return metrics;
  }

  private void addDistances(MetricFiles files, Choice choice) {
    files
        .i3d()
        .ifPresent(
            file ->
                distances.add(
                    I3d.distance(
                        network(file), choice.preparation(), choice.windows(), I3d.GIT_BLOB)));
    files
        .features()
        .ifPresent(file -> distances.add(choice.input().distance(network(file), choice.windows())));
  }

  private void addConsistencies(MetricFiles files) {
    measures.add(
        new MeanMeasure(
            "temporal flickering",
            new FlickerFeatures(),
            MeanMeasure::likeness,
            "no network; VBench keeps static videos alone for it"));
    files
        .dino()
        .ifPresent(
            file ->
                measures.add(
                    new ConsistencyMeasure(
                        "subject consistency",
                        PictureFeatures.of(network(file), DINO),
                        "DINO ViT-B/16")));
    files
        .clipImage()
        .ifPresent(
            file ->
                measures.add(
                    new ConsistencyMeasure(
                        "background consistency",
                        PictureFeatures.of(network(file), CLIP_TENSOR),
                        "CLIP ViT-B/32")));
  }

  private void addTexts(MetricFiles files, Optional<String> style) {
    checkArgument(
        files.clipText().isPresent() == files.clipTokenizer().isPresent(),
        "clip: expected a text encoder and its tokenizer, found only one of them");
    checkArgument(
        files.clipText().isEmpty() || files.clipImage().isPresent(),
        "clip: expected the image encoder beside the text encoder, found none");
    checkArgument(
        style.isEmpty() || files.clipText().isPresent(),
        "style: expected CLIP's image and text encoder to compare with it, found none");
    if (files.clipText().isEmpty()) {
      return;
    }
    var pictures = PictureFeatures.of(network(files.clipImage().orElseThrow()), CLIP_PILLOW);
    Tokenizer tokenizer = tokenizer(files.clipTokenizer().orElseThrow());
    open.add(tokenizer);
    var texts = new TextFeatures(network(files.clipText().get()), tokenizer);
    measures.add(
        new TextSimilarity(
            "CLIPSIM",
            pictures,
            texts,
            MeasuredVideo::caption,
            /* isByFrame= */ false,
            "CLIP ViT-B/32, the cosine; papers print 100 times it"));
    style.ifPresent(
        text ->
            measures.add(
                new TextSimilarity(
                    "appearance style",
                    pictures,
                    texts,
                    video -> Optional.of(text),
                    /* isByFrame= */ true,
                    "CLIP ViT-B/32, of '%s'".formatted(text))));
  }

  private static Tokenizer tokenizer(Path folder) {
    try {
      return HuggingFaceTokenizer.open(folder);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void addQualities(MetricFiles files) {
    checkArgument(
        files.clipLarge().isPresent() == files.aesthetic().isPresent(),
        "aesthetic quality: expected CLIP ViT-L/14 and the linear predictor, found only one of them");
    files
        .aesthetic()
        .ifPresent(
            predictor ->
                measures.add(
                    AestheticQuality.of(
                        PictureFeatures.of(network(files.clipLarge().orElseThrow()), CLIP_TENSOR),
                        predictor)));
    files
        .musiq()
        .ifPresent(
            file ->
                measures.add(
                    new MeanMeasure(
                        "imaging quality",
                        PictureFeatures.of(network(file), MUSIQ),
                        mean -> mean / 100,
                        "MUSIQ of SPAQ")));
    files
        .amt()
        .ifPresent(
            file ->
                measures.add(
                    new MeanMeasure(
                        "motion smoothness",
                        new InterpolationFeatures(network(file)),
                        MeanMeasure::likeness,
                        "AMT-S")));
    files
        .raft()
        .ifPresent(file -> measures.add(new DynamicDegree(new FlowFeatures(network(file)))));
  }

  private NetworkFile network(Path file) {
    return networks.computeIfAbsent(
        file,
        path -> {
          NetworkFile network = NetworkFile.of(path, opener);
          open.add(network);
          return network;
        });
  }

  /** What is said of each video. */
  public List<Measure> measures() {
    return List.copyOf(measures);
  }

  /** What is said of two sets. */
  public List<FeatureDistance> distances() {
    return List.copyOf(distances);
  }

  @Override
  public void close() {
    for (AutoCloseable each : open) {
      try {
        each.close();
      } catch (Exception unexpected) {
        throw new IllegalStateException(unexpected);
      }
    }
  }
}
