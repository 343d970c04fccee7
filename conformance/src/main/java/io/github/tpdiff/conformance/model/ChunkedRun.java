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
 * @param first for the first chunk, which takes no state; {@code next} where there is no state
 * @param next for the others
 * @param input the chunk's name
 * @param output the result's name
 */
record ChunkedRun(Executable first, Executable next, String input, String output)
    implements AutoCloseable {
  private static final String NEXT = ".next";

  static ChunkedRun encoder(Engine engine, OpenComponents vae) {
    return load(
        engine,
        vae,
        List.of(Role.VAE_ENCODER_FIRST, Role.VAE_ENCODER_NEXT),
        List.of("sample", "latent_mean"));
  }

  static ChunkedRun decoder(Engine engine, OpenComponents vae) {
    return load(
        engine,
        vae,
        List.of(Role.VAE_DECODER_FIRST, Role.VAE_DECODER_NEXT),
        List.of("latent_sample", "sample"));
  }

  /** An autoencoder without a component for first chunks has one for all. */
  private static ChunkedRun load(
      Engine engine, OpenComponents vae, List<Role> roles, List<String> names) {
    Executable next = vae.load(engine, roles.get(1));
    boolean alike = !vae.components().containsKey(roles.get(0));
    Executable first = alike ? next : vae.load(engine, roles.get(0));
    return new ChunkedRun(first, next, names.get(0), names.get(1));
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
    next.close();
    if (first != next) {
      first.close();
    }
  }
}
