package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.metric.FeatureInput;
import io.github.tpdiff.evaluation.metric.I3d;
import io.github.tpdiff.evaluation.metric.MetricFiles;
import io.github.tpdiff.evaluation.metric.Metrics;
import io.github.tpdiff.evaluation.metric.WindowPlan;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** Which networks the user has for metrics, and what they are given. */
final class MetricFileOptions {
  @Option(
      names = "--i3d",
      paramLabel = "FILE",
      description = "FVD: i3d_torchscript.pt, known by its git hash (default: none).")
  private Optional<Path> i3d = Optional.empty();

  @Option(
      names = "--i3d-input",
      paramLabel = "WAY",
      completionCandidates = WordOption.OfI3dPreparation.class,
      converter = WordOption.OfI3dPreparation.class,
      defaultValue = "stylegan-v",
      description =
          "How frames come to I3D: ${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE}). The file"
              + " itself resizes; the shorter side to 224 and the middle cut; both sides to 224.")
  private I3d.Preparation preparation = I3d.Preparation.STYLEGAN_V;

  @Option(
      names = "--features",
      paramLabel = "FILE",
      description =
          "The same distance by the features of any TorchScript or ONNX file (default: none).")
  private Optional<Path> features = Optional.empty();

  @Option(
      names = "--features-input",
      paramLabel = "KEY=WORD,...",
      converter = WordOption.OfFeatureInput.class,
      defaultValue = "layout=bcthw,resize=stretch,size=224,filter=bilinear,values=signed",
      description = {
        "What --features takes (default ${DEFAULT-VALUE}). layout: bcthw, btchw, or bchw for"
            + " pictures. resize: none, stretch, shorter, crop, crop-ceil, longer. filter: bilinear,"
            + " bicubic, pillow-bicubic. values: bytes, unit, signed, imagenet, clip."
      })
  private FeatureInput input;

  @Option(
      names = "--window",
      paramLabel = "FRAMES",
      defaultValue = "16",
      description = "Frames of a window for distances (default ${DEFAULT-VALUE}).")
  private int window;

  @Option(
      names = "--window-step",
      paramLabel = "FRAMES",
      description = "From the start of one to that of the next (default: side by side).")
  private Optional<Integer> step = Optional.empty();

  @Option(
      names = "--windows-per-video",
      paramLabel = "NUMBER",
      description = "At most, from the beginning (default: all).")
  private Optional<Integer> windows = Optional.empty();

  @Option(
      names = "--fps",
      paramLabel = "NUMBER",
      description = "Rate at which distances take frames of all videos (default: every frame).")
  private Optional<Double> fps = Optional.empty();

  @Option(
      names = "--clip-image",
      paramLabel = "FILE",
      description = "CLIP ViT-B/32's image encoder: background consistency (default: none).")
  private Optional<Path> clipImage = Optional.empty();

  @Option(
      names = "--clip-text",
      paramLabel = "FILE",
      description = "Its text encoder: CLIPSIM (default: none).")
  private Optional<Path> clipText = Optional.empty();

  @Option(
      names = "--clip-tokenizer",
      paramLabel = "FOLDER",
      description = "Its tokenizer, beside --clip-text (default: none).")
  private Optional<Path> clipTokenizer = Optional.empty();

  @Option(
      names = "--style",
      paramLabel = "TEXT",
      description = "Appearance style: what all videos should look like (default: none).")
  private Optional<String> style = Optional.empty();

  @Option(
      names = "--clip-large",
      paramLabel = "FILE",
      description = "CLIP ViT-L/14's image encoder, beside --aesthetic (default: none).")
  private Optional<Path> clipLarge = Optional.empty();

  @Option(
      names = "--aesthetic",
      paramLabel = "FILE",
      description = "Aesthetic quality: sa_0_4_vit_l_14_linear.pth (default: none).")
  private Optional<Path> aesthetic = Optional.empty();

  @Option(
      names = "--dino",
      paramLabel = "FILE",
      description = "Subject consistency: DINO ViT-B/16 (default: none).")
  private Optional<Path> dino = Optional.empty();

  @Option(
      names = "--raft",
      paramLabel = "FILE",
      description = "Dynamic degree: RAFT (default: none).")
  private Optional<Path> raft = Optional.empty();

  @Option(
      names = "--amt",
      paramLabel = "FILE",
      description = "Motion smoothness: AMT-S (default: none).")
  private Optional<Path> amt = Optional.empty();

  @Option(
      names = "--musiq",
      paramLabel = "FILE",
      description = "Imaging quality: MUSIQ (default: none).")
  private Optional<Path> musiq = Optional.empty();

  MetricFiles files() {
    return new MetricFiles(
        i3d,
        features,
        clipImage,
        clipText,
        clipTokenizer,
        clipLarge,
        aesthetic,
        dino,
        raft,
        amt,
        musiq);
  }

  /** Whether a distance is asked for. */
  boolean isDistance() {
    return i3d.isPresent() || features.isPresent();
  }

  Metrics.Choice choice() {
    var plan =
        new WindowPlan(
            window,
            step.orElse(window),
            windows.map(OptionalInt::of).orElseGet(OptionalInt::empty),
            fps.map(OptionalDouble::of).orElseGet(OptionalDouble::empty));
    return new Metrics.Choice(preparation, input, plan, style);
  }
}
