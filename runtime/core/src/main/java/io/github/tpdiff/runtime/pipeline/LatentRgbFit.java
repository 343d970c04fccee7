package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.base.Preconditions.checkState;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.video.FrameConsumer;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.linsol.svd.SolvePseudoInverseSvd_DDRM;

/**
 * Fits {@link LatentRgb} to latents and the video that they decode to, whose frames come one after
 * another.
 *
 * <p>A latent stands for a block of pixels in one or several frames; its colour is their mean. The
 * normal equations are summed as frames come, in (C + 1)² numbers, and solved by the
 * pseudo-inverse: channels that did not vary independently share what they explain together.
 */
final class LatentRgbFit implements FrameConsumer<RuntimeException> {
  /** Singular values below this part of the largest are rounding. */
  private static final double RANK_TOLERANCE = 1e-12;

  private final ModelDescription.Latents geometry;
  private final Latents latents;
  private final DMatrixRMaj normal;
  private final DMatrixRMaj moments;
  private final double[] blocks;
  private int latentFrame;
  private int frame;
  private int framesOfLatent;

  /**
   * @param latents normalised, [1, C, F, H, W]
   * @throws IllegalArgumentException if they are not one clip of the model's channels
   */
  LatentRgbFit(ModelDescription.Latents geometry, Latents latents) {
    LatentRgb.requireClip(geometry, latents);
    this.geometry = geometry;
    this.latents = latents;
    normal = new DMatrixRMaj(geometry.channels() + 1, geometry.channels() + 1);
    moments = new DMatrixRMaj(geometry.channels() + 1, 3);
    blocks = new double[3 * latents.shape().pixels()];
  }

  /**
   * Takes the next frame.
   *
   * @throws IllegalArgumentException if it is not of the size or the number that the latents have
   */
  @Override
  public void accept(VideoFrame next) {
    int factor = geometry.spatialFactor();
    checkArgument(
        next.height() == latents.shape().height() * factor
            && next.width() == latents.shape().width() * factor
            && latentFrame < latents.frames(),
        "frame %s: expected one of %s, %s pixels a latent, found %s x %s",
        frame,
        latents.shape(),
        factor,
        next.width(),
        next.height());
    addBlocks(next);
    frame++;
    framesOfLatent++;
    if (frame == geometry.frames(latentFrame + 1)) {
      addLatentFrame();
    }
  }

  private void addBlocks(VideoFrame next) {
    int factor = geometry.spatialFactor();
    int width = latents.shape().width();
    int plane = latents.shape().pixels();
    for (int i = 0; i < next.data().length; i++) {
      int row = i / next.width();
      int colour = row / next.height();
      int block = row % next.height() / factor * width + i % next.width() / factor;
      blocks[colour * plane + block] += next.data()[i];
    }
  }

  private void addLatentFrame() {
    int size = normal.numRows;
    int plane = latents.shape().pixels();
    double pixels = (double) framesOfLatent * geometry.spatialFactor() * geometry.spatialFactor();
    var z = new double[size];
    for (int i = 0; i < plane; i++) {
      LatentRgb.denormalise(geometry, latents, latentFrame, i, z);
      for (int c = 0; c < size; c++) {
        for (int d = 0; d < size; d++) {
          normal.data[c * size + d] += z[c] * z[d];
        }
        for (int colour = 0; colour < 3; colour++) {
          moments.data[c * 3 + colour] += z[c] * blocks[colour * plane + i] / pixels;
        }
      }
    }
    Arrays.fill(blocks, 0);
    framesOfLatent = 0;
    latentFrame++;
  }

  /**
   * The map that fits the frames so far best.
   *
   * @throws IllegalStateException if there was no whole latent frame
   */
  LatentRgb solve() {
    checkState(latentFrame > 0, "no latent frame is decoded");
    int size = normal.numRows;
    var solver = new SolvePseudoInverseSvd_DDRM(size, size);
    solver.setThreshold(RANK_TOLERANCE);
    checkState(solver.setA(normal.copy()), "singular values did not converge");
    var map = new DMatrixRMaj(size, 3);
    solver.solve(moments, map);
    return new LatentRgb(geometry, map.data);
  }
}
