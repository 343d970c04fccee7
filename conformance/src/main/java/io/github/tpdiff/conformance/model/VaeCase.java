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
 * reference's normalised latents, chunk by chunk.
 *
 * @param opener of the autoencoder
 */
public record VaeCase(VaeOpener opener) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    var vae = opener.open(golden);
    PipelineDescription.Latents geometry = vae.latents();
    try (var components = new OpenComponents(vae.components());
        var encoder = ChunkedRun.encoder(engine, components);
        var decoder = ChunkedRun.decoder(engine, components)) {
      for (GoldenRun run : golden.runs()) {
        Tensor mode = encoder.run(clipChunks(run.input("video"), geometry.temporalFactor()));
        checks.compare(run.prefix() + "latent_mode", mode);
        checks.compare(
            run.prefix() + "latent_normalized",
            FrameAxis.map(mode, (z, c) -> (z - geometry.mean().get(c)) / geometry.std().get(c)));
        Tensor normalized =
            Values.tensor(golden.tensors(), "out." + run.prefix() + "latent_normalized");
        Tensor latents =
            FrameAxis.map(normalized, (x, c) -> x * geometry.std().get(c) + geometry.mean().get(c));
        Tensor decoded = decoder.run(frameByFrame(latents));
        checks.compare(
            run.prefix() + "decoded",
            FrameAxis.map(decoded, (value, c) -> Math.max(-1, Math.min(1, value))));
      }
    }
  }

  /** The first frame, then as many at a time as one latent frame stands for. */
  private static List<Tensor> clipChunks(Tensor clip, int temporalFactor) {
    int frames = (int) clip.shape()[2];
    var chunks = new ArrayList<Tensor>();
    chunks.add(FrameAxis.slice(clip, 0, 1));
    for (int at = 1; at + temporalFactor <= frames; at += temporalFactor) {
      chunks.add(FrameAxis.slice(clip, at, at + temporalFactor));
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
