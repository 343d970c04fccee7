package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.List;
import java.util.Map;

/**
 * Clips in memory.
 *
 * @param clips with their latents
 * @param told what the network is told of each
 * @param uncaptioned what it is told in place of a caption
 */
record SampledSet(
    List<LatentSample.Clip> clips, List<Conditions> told, Map<String, Tensor> uncaptioned)
    implements TrainingSet {
  SampledSet {
    clips = List.copyOf(clips);
    told = List.copyOf(told);
    uncaptioned = Map.copyOf(uncaptioned);
  }

  @Override
  public List<LatentShape> shapes() {
    return clips.stream().map(clip -> clip.latents().shape()).toList();
  }

  @Override
  public Latents latents(int clip) {
    return clips.get(clip).latents();
  }

  @Override
  public Latents latents(int clip, GridFactor strides) {
    return clips.get(clip).latents(strides);
  }

  @Override
  public Conditions conditions(int clip) {
    return told.get(clip);
  }

  /** Nothing that is kept depends on it. */
  @Override
  public String fingerprint() {
    return "in memory";
  }
}
