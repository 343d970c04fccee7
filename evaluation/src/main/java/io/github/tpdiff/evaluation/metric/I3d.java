package io.github.tpdiff.evaluation.metric;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import com.google.common.io.ByteStreams;
import io.github.tpdiff.evaluation.metric.PictureInput.Filter;
import io.github.tpdiff.evaluation.metric.PictureInput.Fit;
import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.evaluation.metric.WindowFeatures.Layout;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Fréchet video distance: the distance by the 400 logits of I3D, trained on Kinetics-400. Source:
 * Unterthiner et al., "Towards accurate generative models of video", 2018.
 */
public final class I3d {
  /** Git's name of {@code i3d_torchscript.pt}, the file that published code takes. */
  static final String GIT_BLOB = "93daef59c7ae0e9e8f76225521407e60cbafa6aa";

  /** Its poolings leave nothing of fewer. */
  private static final int FEWEST_FRAMES = 10;

  private static final int SIDE = 224;

  private I3d() {}

  /** How frames come to I3D; figures of different ways are not comparable. */
  public enum Preparation {
    /** Frames of 0 to 255 as they are: the file itself resizes and scales. Source: StyleGAN-V. */
    STYLEGAN_V,
    /**
     * The shorter side to 224, the middle square, -1 to 1. Source: VideoGPT and
     * common_metrics_on_video_quality.
     */
    VIDEOGPT,
    /**
     * Both sides to 224, -1 to 1. Source: the authors' {@code frechet_video_distance.py}, cd-fvd.
     */
    ORIGINAL;

    private PictureInput input() {
      return switch (this) {
        case STYLEGAN_V -> PictureInput.asTheyAre(Values.BYTES);
        case VIDEOGPT -> new PictureInput(Fit.CROP_CEIL, SIDE, Filter.BILINEAR, Values.SIGNED);
        case ORIGINAL -> new PictureInput(Fit.STRETCH, SIDE, Filter.BILINEAR, Values.SIGNED);
      };
    }

    private boolean isInside() {
      return this == STYLEGAN_V;
    }
  }

  /**
   * FVD by a file.
   *
   * @param gitBlob of the file that is expected
   * @throws CheckpointException if it is another
   */
  static FeatureDistance distance(
      NetworkFile network, Preparation preparation, WindowPlan windows, String gitBlob) {
    checkArgument(
        windows.frames() >= FEWEST_FRAMES,
        "window: I3D takes at least %s frames, found %s",
        FEWEST_FRAMES,
        windows.frames());
    String found = gitBlob(network.file());
    if (!found.equals(gitBlob)) {
      throw new CheckpointException(
          "%s: expected i3d_torchscript.pt, git blob %s, found %s; distances by another network are --features, not FVD"
              .formatted(network.file(), gitBlob, found));
    }
    boolean inside = preparation.isInside();
    return new FeatureDistance(
        "FVD",
        new WindowFeatures(
            network,
            preparation.input(),
            Layout.BCTHW,
            windows,
            Map.of("rescale", inside, "resize", inside, "return_features", true)),
        "I3D logits, input as %s; windows %s"
            .formatted(
                io.github.tpdiff.runtime.diffusion.Words.of(preparation).replace('_', '-'),
                windows.text()));
  }

  /** The SHA-1 by which git names a file's content. */
  @SuppressWarnings("deprecation") // git's own choice; it tells one file from others
  static String gitBlob(Path file) {
    try (InputStream stream = Files.newInputStream(file)) {
      Hasher hasher = Hashing.sha1().newHasher();
      hasher.putString("blob %d\0".formatted(Files.size(file)), StandardCharsets.US_ASCII);
      ByteStreams.copy(stream, com.google.common.hash.Funnels.asOutputStream(hasher));
      return hasher.hash().toString();
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(file, AtomicFile.reason(failure)), failure);
    }
  }
}
