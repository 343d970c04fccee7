package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.video.VideoClip;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * How far two sets of parts of one model are apart: one engine against another, an exported folder
 * against its checkpoint. Both are given the same numbers; a component is compared if both have it.
 *
 * @param plan the stages at which the denoiser is compared
 * @param latents of the clip at full rate
 * @param prompt numbers in place of embeddings, such as {@link #noisePrompt} gives
 */
public record PartsComparison(StagePlan plan, LatentShape latents, Map<String, Tensor> prompt) {
  /** Chunks of a clip that the autoencoder is compared on: the first, and two with state. */
  private static final int CHUNKS = 3;

  /**
   * One comparison.
   *
   * @param part what was compared, for the user
   * @param maxError max|other − reference| / max|reference| over all outputs
   */
  public record Difference(String part, double maxError) {}

  /** On a picture of a few latents, of as many frames as the model makes by default. */
  public static PartsComparison small(VideoModel model, StageConfig stages) {
    PipelineDescription description = model.description();
    PipelineDescription.Latents geometry = description.latents();
    int frames = geometry.latentFrames(description.defaults().frames());
    int side = 2 * geometry.sizeMultiple() / geometry.spatialFactor();
    NoiseSchedule schedule = Scheduler.fromConfig(description.scheduler()).schedule();
    return new PartsComparison(
        StagePlan.of(stages, schedule, frames),
        new LatentShape(1, geometry.channels(), frames, side, side),
        Optional.ofNullable(model.components().get(Role.CONDITIONING))
            .map(conditioning -> noisePrompt(conditioning, description.text().maxLength()))
            .orElse(Map.of()));
  }

  /** Compares text encoder, conditioning, the denoiser in every stage, and the autoencoder. */
  public List<Difference> compare(PipelineParts reference, PipelineParts other) {
    Set<Role> roles = EnumSet.copyOf(reference.roles());
    roles.retainAll(other.roles());
    var differences = new ArrayList<Difference>();
    if (roles.contains(Role.TEXT_ENCODER)) {
      differences.add(
          difference(
              Role.TEXT_ENCODER,
              embedding(reference).toFloatArray(),
              embedding(other).toFloatArray()));
    }
    if (roles.containsAll(Set.of(Role.CONDITIONING, Role.DENOISER))) {
      differences.addAll(denoiser(reference, other));
    }
    if (roles.contains(Role.VAE_DECODER_NEXT)) {
      VideoClip clip = decoded(reference);
      differences.add(difference(Role.VAE_DECODER_NEXT, clip.data(), decoded(other).data()));
      if (roles.contains(Role.VAE_ENCODER_NEXT)) {
        differences.add(
            difference(Role.VAE_ENCODER_NEXT, encoded(reference, clip), encoded(other, clip)));
      }
    }
    return differences;
  }

  /** Numbers in place of the embeddings that a component of {@link Role#CONDITIONING} is given. */
  public static Map<String, Tensor> noisePrompt(Component conditioning, int textTokens) {
    var inputs = new TreeMap<String, Tensor>();
    // Only the prompt's own sizes count: a conditioning sees no latents.
    var nothing = new LatentShape(1, 1, 1, 1, 1);
    DenoiserInputs.shapes(conditioning.program(), nothing, textTokens)
        .forEach((name, shape) -> inputs.put(name, noise(shape)));
    return inputs;
  }

  private static Tensor noise(long[] shape) {
    var drawn = new LatentShape(1, 1, 1, (int) shape[1], (int) shape[2]);
    return Tensor.ofFloats(NoiseSource.seeded(1).draw(drawn).data(), shape);
  }

  private static Tensor embedding(PipelineParts parts) {
    try (var text = TextEncoding.open(parts)) {
      return text.encode("a red ball rolls to the right");
    }
  }

  private List<Difference> denoiser(PipelineParts reference, PipelineParts other) {
    Map<String, Tensor> expected = conditioned(reference);
    Map<String, Tensor> found = conditioned(other);
    var differences = new ArrayList<Difference>();
    differences.add(
        new Difference(
            Role.CONDITIONING.label(),
            expected.entrySet().stream()
                .mapToDouble(
                    entry ->
                        error(
                            entry.getValue().toFloatArray(),
                            Outputs.require(found, entry.getKey(), Role.CONDITIONING)
                                .toFloatArray()))
                .max()
                .orElse(0)));
    try (Executable first = reference.load(Role.DENOISER);
        var known = BoundDenoiser.bind(first, expected);
        Executable second = other.load(Role.DENOISER);
        var bound = BoundDenoiser.bind(second, expected)) {
      for (Stage stage : plan.stages()) {
        differences.add(
            new Difference(
                "denoiser, stage %d of %d frames".formatted(stage.number(), stage.frames()),
                error(predict(known, stage).data(), predict(bound, stage).data())));
      }
    }
    return differences;
  }

  private Map<String, Tensor> conditioned(PipelineParts parts) {
    try (Executable conditioning = parts.load(Role.CONDITIONING)) {
      return conditioning.run(prompt);
    }
  }

  /** The prediction for noise that is the same for every denoiser. */
  private Latents predict(BoundDenoiser denoiser, Stage stage) {
    Latents noise = NoiseSource.seeded(2).draw(latents.withFrames(stage.frames()));
    return denoiser.predict(noise, plan.schedule().timestep(stage.start()), stage.positions());
  }

  private VideoClip decoded(PipelineParts parts) {
    Latents noise = NoiseSource.seeded(3).draw(latents.withFrames(CHUNKS));
    return new GeneratedVideo(parts, noise, 1, GenerationListener.silent()).clip();
  }

  private static float[] encoded(PipelineParts parts, VideoClip clip) {
    try (var encoder = VaeEncoder.open(parts)) {
      return encoder.encode(clip).data();
    }
  }

  private static Difference difference(Role role, float[] expected, float[] found) {
    return new Difference(role.label(), error(expected, found));
  }

  private static double error(float[] expected, float[] found) {
    checkArgument(
        expected.length == found.length,
        "comparison: expected %s values, found %s",
        expected.length,
        found.length);
    double largest = 0;
    double apart = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      apart = Math.max(apart, Math.abs((double) found[i] - expected[i]));
    }
    return apart == 0 ? 0 : apart / largest; // zeros throughout are no difference
  }
}
