package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.VaeDecoder;
import io.github.tpdiff.runtime.pipeline.VaeEncoder;
import io.github.tpdiff.runtime.video.VideoClip;
import java.util.ArrayList;

/**
 * Kinds {@code vae} and {@code vae_original}: encode to the mean, normalise, and decode from the
 * reference's normalised latents, one clip after another. Images are the frames of one clip.
 *
 * <p>The mean and the decoded values are those that the networks give, before the encoder
 * normalises and the decoder clamps.
 *
 * @param opener of the autoencoder
 */
public record VaeCase(VaeOpener opener) implements CaseKind.OnEngine {
  private static final String NORMALIZED = "latent_normalized";
  private static final String SCALED = "latent_scaled";

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    for (VaeOpener.Vae vae : opener.open(golden)) {
      try (VideoModel model = CaseModel.autoencoder(vae)) {
        var parts = new RecordedParts(PipelineParts.of(model, engine));
        try (var encoder = VaeEncoder.open(parts);
            var decoder = VaeDecoder.open(parts)) {
          for (GoldenRun run : golden.runs()) {
            checkEncoder(run, encoder, parts, checks);
            checkDecoder(run, decoder, parts, checks);
          }
        }
      }
    }
  }

  private static void checkEncoder(
      GoldenRun run, VaeEncoder encoder, RecordedParts parts, Checks checks) {
    boolean images = run.findInput("image").isPresent();
    Tensor given = run.input(images ? "image" : "video");
    var means = new ArrayList<Tensor>();
    var latents = new ArrayList<Latents>();
    for (VideoClip clip : FrameAxis.clips(images ? FrameAxis.clip(given) : given)) {
      latents.add(encoder.encode(clip));
      means.add(FrameAxis.join(parts.take("latent_mean")));
    }
    Tensor mode = FrameAxis.batch(means);
    Tensor normal = NetworkInputs.tensor(Latents.concat(latents));
    checks.compare(run.prefix() + "latent_mode", images ? FrameAxis.pictures(mode) : mode);
    checks.compare(run.prefix() + normalized(run), images ? FrameAxis.pictures(normal) : normal);
  }

  private static void checkDecoder(
      GoldenRun run, VaeDecoder decoder, RecordedParts parts, Checks checks) {
    Tensor given = Values.tensor(run.golden().tensors(), "out." + run.prefix() + normalized(run));
    boolean images = given.shape().length == 4;
    Latents latents = LatentTensor.latents(images ? FrameAxis.clip(given) : given);
    var clips = new ArrayList<Tensor>();
    for (int i = 0; i < latents.shape().batch(); i++) {
      decoder.decode(latents.clip(i), 1, frame -> {});
      clips.add(FrameAxis.join(parts.take("sample")));
    }
    Tensor decoded = FrameAxis.batch(clips);
    checks.compare(run.prefix() + "decoded", images ? FrameAxis.pictures(decoded) : decoded);
  }

  private static String normalized(GoldenRun run) {
    return run.expects(SCALED) ? SCALED : NORMALIZED;
  }
}
