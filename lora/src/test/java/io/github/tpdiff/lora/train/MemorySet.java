package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Random clips of two channels, and for any strides smaller ones that have nothing of them. */
record MemorySet(List<Latents> clips) implements TrainingSet {
  static MemorySet of(int count, int frames) {
    var clips = new ArrayList<Latents>();
    for (int i = 0; i < count; i++) {
      clips.add(new TorchRandom(100 + i).draw(new LatentShape(1, 2, frames, 2, 2)));
    }
    return new MemorySet(clips);
  }

  MemorySet and(MemorySet others) {
    var all = new ArrayList<>(clips);
    all.addAll(others.clips);
    return new MemorySet(all);
  }

  @Override
  public List<LatentShape> shapes() {
    return clips.stream().map(Latents::shape).toList();
  }

  @Override
  public Latents latents(int clip) {
    return clips.get(clip);
  }

  @Override
  public Latents latents(int clip, GridFactor strides) {
    Latents full = latents(clip);
    if (strides.equals(GridFactor.ONE)) {
      return full;
    }
    LatentShape shape = full.shape();
    var grid =
        new LatentGrid(
            (shape.frames() + strides.time() - 1) / strides.time(),
            shape.height() / strides.height(),
            shape.width() / strides.width());
    return new TorchRandom(7000L + 100L * clip + strides.hashCode()).draw(shape.withGrid(grid));
  }

  @Override
  public Conditions conditions(int clip) {
    return new Conditions(TinyNetwork.FLOW, text(clip + 1));
  }

  @Override
  public Map<String, Tensor> uncaptioned() {
    return text(0);
  }

  private static Map<String, Tensor> text(float value) {
    return Map.of(
        "encoder_hidden_states", Tensor.ofFloats(new float[] {value, 0.5f, 1, 0, 0, 0}, 1, 2, 3));
  }

  @Override
  public String fingerprint() {
    return "memory " + clips.size();
  }
}
