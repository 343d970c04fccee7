package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.pipeline.Role;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** A network on an engine: conditioning, then the denoiser. */
final class Network implements AutoCloseable {
  private static final String PREDICTION = "out_hidden_states";

  /** What some networks read of the prompt beside its states. */
  private static final List<String> PROMPT =
      List.of("encoder_hidden_states_image", "encoder_attention_mask", "pooled_projections");

  private final Executable conditioning;
  private final Executable denoiser;

  private Network(Executable conditioning, Executable denoiser) {
    this.conditioning = conditioning;
    this.denoiser = denoiser;
  }

  static Network load(Engine engine, OpenComponents components) {
    Executable conditioning = components.load(engine, Role.CONDITIONING);
    try {
      return new Network(conditioning, components.load(engine, Role.DENOISER));
    } catch (RuntimeException failure) {
      conditioning.close();
      throw failure;
    }
  }

  /**
   * The inputs of the whole network, of those that {@code find} has. Latents are called {@code
   * hidden_states} or {@code sample}; a single timestep is that of every sample.
   */
  static Map<String, Tensor> inputs(Function<String, Optional<Tensor>> find) {
    Tensor latents =
        require("hidden_states", find.apply("hidden_states").or(() -> find.apply("sample")));
    var inputs = new HashMap<String, Tensor>();
    inputs.put("hidden_states", latents);
    inputs.put(
        "timestep", timesteps(require("timestep", find.apply("timestep")), latents.shape()[0]));
    inputs.put(
        "encoder_hidden_states",
        require("encoder_hidden_states", find.apply("encoder_hidden_states")));
    for (String name : PROMPT) {
      find.apply(name).ifPresent(tensor -> inputs.put(name, tensor));
    }
    inputs.put(
        "temporal_positions",
        find.apply("temporal_positions")
            .map(Network::floats)
            .orElseGet(() -> counted(latents.shape()[2])));
    return inputs;
  }

  private static Tensor require(String name, Optional<Tensor> found) {
    return found.orElseThrow(() -> new CaseException("io.safetensors: in." + name + " is missing"));
  }

  private static Tensor timesteps(Tensor found, long batch) {
    Tensor given = floats(found);
    if (given.elementCount() != 1) {
      return given;
    }
    var values = new float[Math.toIntExact(batch)];
    Arrays.fill(values, given.floats().get(0));
    return Tensor.ofFloats(values, batch);
  }

  /** Frame n at position n. */
  private static Tensor counted(long frames) {
    var positions = new float[Math.toIntExact(frames)];
    for (int n = 0; n < positions.length; n++) {
      positions[n] = n;
    }
    return Tensor.ofFloats(positions, frames);
  }

  private static Tensor floats(Tensor tensor) {
    if (tensor.type() == ElementType.F32) {
      return tensor;
    }
    var values = new float[Math.toIntExact(tensor.elementCount())];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.longs().get(i);
    }
    return Tensor.ofFloats(values, tensor.shape());
  }

  /** One of {@link #inputs}. */
  static Tensor require(Map<String, Tensor> inputs, String name) {
    return require(name, Optional.ofNullable(inputs.get(name)));
  }

  /** The prediction for {@link #inputs}, all of which the network must take. */
  Tensor predict(Map<String, Tensor> inputs) {
    for (String name : inputs.keySet()) {
      if (!conditioning.inputNames().contains(name) && !denoiser.inputNames().contains(name)) {
        throw new CaseException("io.safetensors: in." + name + ": this network takes none");
      }
    }
    Map<String, Tensor> prompt = conditioning.run(chosen(inputs, conditioning));
    try (Executable bound = denoiser.bind(prompt)) {
      return Objects.requireNonNull(bound.run(chosen(inputs, bound)).get(PREDICTION), PREDICTION);
    }
  }

  private static Map<String, Tensor> chosen(Map<String, Tensor> inputs, Executable executable) {
    var chosen = new HashMap<>(inputs);
    chosen.keySet().retainAll(executable.inputNames());
    return chosen;
  }

  @Override
  public void close() {
    conditioning.close();
    denoiser.close();
  }
}
