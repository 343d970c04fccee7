package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import java.util.ArrayList;
import java.util.List;

/**
 * Kinds {@code vae} and {@code vae_original}: encode to the mean, normalise, and decode from the
 * reference's normalised latents, chunk by chunk. Images are the frames of one clip.
 *
 * @param opener of the autoencoder
 */
public record VaeCase(VaeOpener opener) implements CaseKind.OnEngine {
  private static final String NORMALIZED = "latent_normalized";
  private static final String SCALED = "latent_scaled";

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    for (VaeOpener.Vae vae : opener.open(golden)) {
      try (var components = new OpenComponents(vae.components());
          var encoder = ChunkedRun.encoder(engine, components);
          var decoder = ChunkedRun.decoder(engine, components)) {
        for (GoldenRun run : golden.runs()) {
          checkEncoder(run, encoder, vae, checks);
          checkDecoder(run, decoder, vae, checks);
        }
      }
    }
  }

  private static void checkEncoder(
      GoldenRun run, ChunkedRun encoder, VaeOpener.Vae vae, Checks checks) {
    boolean images = run.findInput("image").isPresent();
    Tensor given = run.input(images ? "image" : "video");
    Tensor mode = encoder.run(chunks(images ? FrameAxis.clip(given) : given, vae.firstFrame()));
    Tensor normal =
        FrameAxis.map(
            mode, (z, c, f) -> (z - vae.frame(f).mean().get(c)) / vae.frame(f).std().get(c));
    checks.compare(run.prefix() + "latent_mode", images ? FrameAxis.pictures(mode) : mode);
    checks.compare(run.prefix() + normalized(run), images ? FrameAxis.pictures(normal) : normal);
  }

  private static void checkDecoder(
      GoldenRun run, ChunkedRun decoder, VaeOpener.Vae vae, Checks checks) {
    Tensor given = Values.tensor(run.golden().tensors(), "out." + run.prefix() + normalized(run));
    boolean images = given.shape().length == 4;
    Tensor latents =
        FrameAxis.map(
            images ? FrameAxis.clip(given) : given,
            (x, c, f) -> x * vae.frame(f).std().get(c) + vae.frame(f).mean().get(c));
    Tensor decoded = decoder.run(frameByFrame(latents));
    checks.compare(run.prefix() + "decoded", images ? FrameAxis.pictures(decoded) : decoded);
  }

  private static String normalized(GoldenRun run) {
    return run.expects(SCALED) ? SCALED : NORMALIZED;
  }

  /** As many frames at a time as one latent frame stands for. */
  private static List<Tensor> chunks(Tensor clip, PipelineDescription.Latents geometry) {
    int latentFrames = geometry.latentFrames((int) clip.shape()[2]);
    var chunks = new ArrayList<Tensor>();
    int from = 0;
    for (int f = 1; f <= latentFrames; f++) {
      chunks.add(FrameAxis.slice(clip, from, geometry.frames(f)));
      from = geometry.frames(f);
    }
    return chunks;
  }

  private static List<Tensor> frameByFrame(Tensor latents) {
    var chunks = new ArrayList<Tensor>();
    for (int f = 0; f < latents.shape()[2]; f++) {
      chunks.add(FrameAxis.slice(latents, f, f + 1));
    }
    return chunks;
  }
}
