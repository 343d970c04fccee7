package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GivenPictures;
import io.github.tpdiff.runtime.pipeline.PictureEncoder;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Kind {@code i2v_conditioning}: pictures to the mask and latents that stand beside the noise, at
 * full rate and at the strides of stages.
 *
 * @param opener of the autoencoder
 */
public record PictureLatentsCase(VaeOpener opener) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    for (VaeOpener.Vae vae : opener.open(golden)) {
      try (VideoModel model = CaseModel.pictures(vae);
          var encoder = PictureEncoder.open(PipelineParts.of(model, engine))) {
        for (GoldenRun run : golden.runs()) {
          check(run, model, encoder, checks);
        }
      }
    }
  }

  private static void check(
      GoldenRun run, VideoModel model, PictureEncoder encoder, Checks checks) {
    Latents noisy = LatentTensor.latents(run.input("latents"));
    LatentShape shape = noisy.shape();
    int frames = run.args().integer("num_frames");
    if (model.description().latents().latentFrames(frames) != shape.frames()) {
      checks.fail("num_frames: %s do not give the latents %s".formatted(frames, shape));
      return;
    }
    var pictures =
        new GivenPictures(
            picture(run.input("image")),
            run.findInput("last_image").map(PictureLatentsCase::picture),
            Optional.empty());
    Conditions one =
        new Conditions(model.description().flow(), encoder.encode(pictures, shape.withBatch(1)));
    Conditions told = Conditions.join(Collections.nCopies(shape.batch(), one));
    Tensor condition = Objects.requireNonNull(told.values().get(CaseModel.CONDITION));
    int channels = Math.toIntExact(condition.shape()[1]);
    int masks = channels - shape.channels();
    checks.compare(run.prefix() + "mask", LatentTensor.channels(condition, 0, masks));
    checks.compare(
        run.prefix() + "latent_condition", LatentTensor.channels(condition, masks, channels));
    checks.compare(run.prefix() + "condition", condition);
    checks.compare(run.prefix() + "model_input", beside(NetworkInputs.tensor(noisy), condition));
    for (int stride : run.golden().args().findIntegers("strides").orElse(List.of())) {
      LatentShape own = shape.withFrames((shape.frames() - 1) / stride + 1);
      Map<String, Tensor> staged =
          told.inputs(CaseModel.CASE, own, StageGrid.strided(own.grid(), stride));
      checks.compare(
          run.prefix() + "stride" + stride + ".condition",
          Objects.requireNonNull(staged.get(CaseModel.CONDITION)));
    }
  }

  /** [1, 3, H, W] as a frame [1, 3, 1, H, W]. */
  private static Tensor picture(Tensor image) {
    long[] shape = image.shape();
    return image.reshape(shape[0], shape[1], 1, shape[2], shape[3]);
  }

  /** The channels of both, one behind the other. */
  private static Tensor beside(Tensor one, Tensor other) {
    long[] shape = one.shape();
    int batch = (int) shape[0];
    float[] first = one.toFloatArray();
    float[] second = other.toFloatArray();
    var both = new float[first.length + second.length];
    int own = first.length / batch;
    int further = second.length / batch;
    for (int b = 0; b < batch; b++) {
      System.arraycopy(first, b * own, both, b * (own + further), own);
      System.arraycopy(second, b * further, both, b * (own + further) + own, further);
    }
    long[] extents = Arrays.copyOf(shape, shape.length);
    extents[1] += other.shape()[1];
    return Tensor.ofFloats(both, extents);
  }
}
