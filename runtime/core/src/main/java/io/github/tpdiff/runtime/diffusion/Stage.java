package io.github.tpdiff.runtime.diffusion;

/**
 * One stage of a plan.
 *
 * @param number k: K is the first and coarsest, 1 the last, at full frame rate
 * @param frames latent frames in this stage
 * @param stride r_k: full-rate frames from one frame of this stage to the next
 * @param start s_k: the noisy end of the stage, where sampling enters it
 * @param end e_k: its cleaner end
 */
public record Stage(int number, int frames, int stride, double start, double end) {

  /** The temporal position of every frame, n · r_k: the same as at full rate. */
  public int[] positions() {
    int[] positions = new int[frames];
    for (int n = 0; n < frames; n++) {
      positions[n] = n * stride;
    }
    return positions;
  }
}
