package io.github.tpdiff.conformance.model;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Role;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One half of the autoencoder, chunk after chunk of a clip of any batch size.
 *
 * @param first for the first chunk, which takes no state
 * @param next for the others
 * @param input the chunk's name
 * @param output the result's name
 */
record ChunkedRun(Executable first, Executable next, String input, String output)
    implements AutoCloseable {
  private static final String NEXT = ".next";

  static ChunkedRun encoder(Engine engine, OpenComponents vae) {
    return new ChunkedRun(
        vae.load(engine, Role.VAE_ENCODER_FIRST),
        vae.load(engine, Role.VAE_ENCODER_NEXT),
        "sample",
        "latent_mean");
  }

  static ChunkedRun decoder(Engine engine, OpenComponents vae) {
    return new ChunkedRun(
        vae.load(engine, Role.VAE_DECODER_FIRST),
        vae.load(engine, Role.VAE_DECODER_NEXT),
        "latent_sample",
        "sample");
  }

  /** All results joined along the frames. */
  Tensor run(List<Tensor> chunks) {
    var results = new ArrayList<Tensor>();
    Map<String, Tensor> state = Map.of();
    for (Tensor chunk : chunks) {
      var inputs = new HashMap<>(state);
      inputs.put(input, chunk);
      Map<String, Tensor> outputs = (results.isEmpty() ? first : next).run(inputs);
      results.add(Objects.requireNonNull(outputs.get(output), output));
      state = stateIn(outputs);
    }
    return FrameAxis.join(results);
  }

  private static Map<String, Tensor> stateIn(Map<String, Tensor> outputs) {
    var state = new HashMap<String, Tensor>();
    outputs.forEach(
        (name, tensor) -> {
          if (name.endsWith(NEXT)) {
            state.put(name.substring(0, name.length() - NEXT.length()), tensor);
          }
        });
    return state;
  }

  @Override
  public void close() {
    first.close();
    next.close();
  }
}
