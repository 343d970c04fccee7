package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.List;
import java.util.Map;

/**
 * Clips as normalised latents with what the model is told about each. Training asks for clips on
 * two threads.
 */
public interface TrainingSet {
  /** The shape of each clip's latents at full frame rate, as a batch of one. */
  List<LatentShape> shapes();

  /** Normalised latents of a clip, read when asked for. */
  Latents latents(int clip);

  /** What the network is told of a clip, with a batch axis of one. */
  Conditions conditions(int clip);

  /** The values that the prompt decides which stands in for dropped captions. */
  Map<String, Tensor> uncaptioned();

  /** What the network is told of a clip of which it is shown so much. */
  default Conditions conditions(int clip, Shown shown) {
    Conditions own = conditions(clip);
    Conditions captioned = shown.caption() ? own : own.with(uncaptioned());
    return shown.picture() ? captioned : captioned.withoutPictures();
  }

  /** Changes when any clip or caption does. */
  String fingerprint();
}
