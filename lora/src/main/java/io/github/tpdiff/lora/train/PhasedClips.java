package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.data.TrainingSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Clips that are noised for phased diffusion.
 *
 * @param clips latents and what the network is told beside them
 * @param diffusion stages, times, noises
 * @param denoiser the one that is trained, of a model that has several
 */
public record PhasedClips(TrainingSet clips, PhasedDiffusion diffusion, Optional<String> denoiser)
    implements TrainingData {
  /** Clips for the only denoiser of a model. */
  public PhasedClips(TrainingSet clips, PhasedDiffusion diffusion) {
    this(clips, diffusion, Optional.empty());
  }

  @Override
  public int stages() {
    return diffusion.stages().stages();
  }

  /** The same whatever the clips' sizes: which stages are visited depends on times alone. */
  @Override
  public Map<Integer, Double> shares() {
    return diffusion.shares(diffusion.plan(clips.shapes().get(0).grid()));
  }

  @Override
  public Map<String, String> identity() {
    var identity = new LinkedHashMap<String, String>();
    identity.put("schedule", diffusion.scheduleFingerprint());
    identity.put("data", clips.fingerprint());
    return identity;
  }

  @Override
  public BatchSource open(TrainingSettings settings) {
    return new Examples(this, settings);
  }
}
