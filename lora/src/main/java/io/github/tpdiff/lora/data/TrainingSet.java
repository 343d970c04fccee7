package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
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

  /**
   * Inputs of the conditioning program for a clip, each with a batch axis of one, e.g. {@code
   * encoder_hidden_states}.
   */
  Map<String, Tensor> conditioning(int clip);

  /** The same for the prompt that stands in for dropped captions. */
  Map<String, Tensor> uncaptioned();

  /** Changes when any clip or caption does. */
  String fingerprint();
}
