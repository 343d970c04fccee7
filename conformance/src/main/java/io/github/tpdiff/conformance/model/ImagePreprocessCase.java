package io.github.tpdiff.conformance.model;

import io.github.tpdiff.adapters.ClipImageProcessorConfig;
import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.PictureSizeRule;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.util.List;

/** Kind {@code image_preprocess}: the published ways from a picture's bytes to networks' inputs. */
public final class ImagePreprocessCase implements CaseKind.Plain {
  /** What the values of a VAE's frames are apart where bytes are one apart. */
  private static final List<Double> FRAME_LEVELS = List.of(1 / 127.5);

  /** Values that come of no bytes. */
  private static final List<Double> FLOATS = List.of();

  private static final String VAE_SCALE = "vae_scale_factor";
  private static final String ABSOLUTE = "abs";
  private static final String LEVELS_MEAN = "levels_mean";
  private static final String PROCESSOR = "image_processor";
  private static final String LEVELS = "levels";

  @Override
  public void check(GoldenCase golden, Checks checks) {
    // Whether or not a run asks for them.
    golden.args().findText(PROCESSOR);
    golden.args().findInteger(VAE_SCALE);
    List.of(ABSOLUTE, LEVELS, LEVELS_MEAN).forEach(golden.tolerance()::findNumber);
    for (GoldenRun run : golden.runs()) {
      RgbPicture picture = CasePictures.one(run);
      String mode = run.args().text("mode");
      switch (mode) {
        case "video_processor" -> {
          PictureSize size = videoSize(run.args());
          compare(run, PictureGeometry.STRETCH.frame(picture, size), FRAME_LEVELS, checks);
        }
        case "clip_processor" -> {
          var processor = ClipImageProcessorConfig.open(golden.path(run.args().text(PROCESSOR)));
          compare(run, processor.values(picture), levels(processor), checks);
        }
        case "original_i2v" -> {
          PictureSize size = proposed(run, picture, PictureSizeRule.FLOORED, 16);
          compare(run, PictureGeometry.SQUASH.frame(picture, size), FLOATS, checks);
        }
        case "original_clip" -> {
          var processor = ClipImageProcessor.ofSize(run.args().integer("size"));
          compare(run, processor.squashed(picture), FLOATS, checks);
        }
        case "original_ti2v" -> {
          PictureSize size = proposed(run, picture, PictureSizeRule.NEAREST_SHAPE, 32);
          compare(run, PictureGeometry.CROP.frame(picture, size), FRAME_LEVELS, checks);
        }
        default ->
            throw new CaseException(
                "args.runs.mode: expected video_processor, clip_processor, original_i2v, original_clip or original_ti2v, found "
                    + mode);
      }
    }
  }

  /** What is asked for, down to what the VAE can take, as the processor does. */
  private static PictureSize videoSize(Arguments args) {
    int multiple = args.findInteger(VAE_SCALE).orElse(8);
    int width = args.integer("width");
    int height = args.integer("height");
    return new PictureSize(width - width % multiple, height - height % multiple);
  }

  private static PictureSize proposed(
      GoldenRun run, RgbPicture picture, PictureSizeRule rule, int multiple) {
    return rule.propose(
        picture.size(), run.args().integer("max_area"), new PictureSize(multiple, multiple));
  }

  /** A byte's step in each channel: by how much its value changes. */
  private static List<Double> levels(ClipImageProcessor processor) {
    return processor
        .normalisation()
        .map(each -> each.std().stream().map(std -> processor.rescale() / std).toList())
        .orElse(List.of(processor.rescale()));
  }

  /** Compares values, in units of levels where there are any, and the size that they have. */
  private static void compare(
      GoldenRun run, PictureValues found, List<Double> levels, Checks checks) {
    Arguments tolerance = run.golden().tolerance();
    checks.compareLevels(
        run.prefix() + "output",
        Tensor.ofFloats(
            found.data(), 1, RgbPicture.CHANNELS, found.size().height(), found.size().width()),
        levels.isEmpty()
            ? new Checks.LevelLimits(List.of(1.0), tolerance.number(ABSOLUTE), Double.MAX_VALUE)
            : new Checks.LevelLimits(
                levels, tolerance.number(LEVELS), tolerance.number(LEVELS_MEAN)));
    checks.compare(run.prefix() + "size", new long[] {found.size().width(), found.size().height()});
  }
}
