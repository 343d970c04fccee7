package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.graph.Program;
import java.util.HashMap;
import java.util.Map;

/** What programs of {@link Role#CONDITIONING} and {@link Role#DENOISER} are given. */
public final class DenoiserInputs {
  /** Rows of an image's embedding: one for each patch that CLIP ViT-H/14 sees, and its class. */
  private static final long IMAGE_TOKENS = 257;

  private DenoiserInputs() {}

  /**
   * The shape of every input, by name.
   *
   * @param program of either role, or both one after the other
   * @param textTokens rows of the prompt's embedding
   * @throws io.github.tpdiff.runtime.graph.GraphException if the program has an input whose shape
   *     does not follow from these sizes
   */
  public static Map<String, long[]> shapes(Program program, LatentShape latents, int textTokens) {
    Map<String, Long> sizes =
        Map.of(
            "batch", (long) latents.batch(),
            "frames", (long) latents.frames(),
            "height", (long) latents.height(),
            "width", (long) latents.width(),
            "text", (long) textTokens,
            "image", IMAGE_TOKENS);
    var shapes = new HashMap<String, long[]>();
    program.inputs().forEach((name, value) -> shapes.put(name, value.shape().evaluate(sizes)));
    return shapes;
  }
}
