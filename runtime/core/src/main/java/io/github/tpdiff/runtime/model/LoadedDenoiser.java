package io.github.tpdiff.runtime.model;

import com.google.common.collect.Maps;
import io.github.tpdiff.runtime.engine.DeviceValues;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A denoiser and its conditioning, each loaded when it is first needed. */
final class LoadedDenoiser implements DenoiserSession {
  private final PipelineParts parts;
  private final String denoiser;
  private Optional<Executable> loaded = Optional.empty();
  private List<DeviceValues> conditioned = List.of();
  private List<Map<String, Tensor>> conditionedFor = List.of();

  LoadedDenoiser(PipelineParts parts, String denoiser) {
    this.parts = parts;
    this.denoiser = denoiser;
  }

  @Override
  public List<Bound> bind(List<Map<String, Tensor>> inputs) {
    condition(inputs);
    Executable network = denoiser();
    var bound = new ArrayList<Bound>();
    try {
      for (int i = 0; i < inputs.size(); i++) {
        var direct = new HashMap<>(inputs.get(i));
        direct.keySet().retainAll(network.inputNames());
        bound.add(new BoundDenoiser(denoiser, network.bind(direct, conditioned.get(i))));
      }
      return bound;
    } catch (RuntimeException failure) {
      bound.forEach(Bound::close);
      throw failure;
    }
  }

  /** Computes what depends on the conditions alone, unless it is there from an earlier stage. */
  private void condition(List<Map<String, Tensor>> inputs) {
    String name = ComponentDescription.conditioning(denoiser);
    Set<String> read =
        parts
            .description()
            .flow()
            .find(name)
            .map(component -> component.reads().keySet())
            .orElse(Set.of());
    List<Map<String, Tensor>> own =
        inputs.stream().map(given -> Map.copyOf(Maps.filterKeys(given, read::contains))).toList();
    if (areSame(own, conditionedFor)) {
      return;
    }
    release();
    conditioned = parts.has(name) ? computed(name, own) : nothing(own.size());
    conditionedFor = own;
  }

  private static List<DeviceValues> nothing(int count) {
    return Collections.nCopies(count, DeviceValues.of(Map.of()));
  }

  private List<DeviceValues> computed(String name, List<Map<String, Tensor>> inputs) {
    var values = new ArrayList<DeviceValues>();
    try (Executable conditioning = AdaptedExecutable.load(parts, name)) {
      inputs.forEach(given -> values.add(conditioning.compute(given)));
      return values;
    } catch (RuntimeException failure) {
      values.forEach(DeviceValues::close);
      throw failure;
    }
  }

  /** Whether these are the very same tensors. */
  private static boolean areSame(List<Map<String, Tensor>> some, List<Map<String, Tensor>> others) {
    if (some.size() != others.size()) {
      return false;
    }
    for (int i = 0; i < some.size(); i++) {
      Map<String, Tensor> other = others.get(i);
      if (!some.get(i).keySet().equals(other.keySet())
          || !some.get(i).entrySet().stream()
              .allMatch(entry -> entry.getValue() == other.get(entry.getKey()))) {
        return false;
      }
    }
    return true;
  }

  private Executable denoiser() {
    if (loaded.isEmpty()) {
      loaded = Optional.of(AdaptedExecutable.load(parts, denoiser));
    }
    return loaded.get();
  }

  private record BoundDenoiser(String name, Executable executable) implements Bound {
    @Override
    public Tensor predict(Map<String, Tensor> step) {
      Map<String, Tensor> outputs = executable.run(step);
      return Optional.ofNullable(outputs.get(NetworkInputs.PREDICTION))
          .orElseThrow(
              () ->
                  new CheckpointException(
                      "%s: expected an output %s, found %s"
                          .formatted(name, NetworkInputs.PREDICTION, outputs.keySet())));
    }

    @Override
    public void close() {
      executable.close();
    }
  }

  private void release() {
    conditioned.forEach(DeviceValues::close);
    conditioned = List.of();
    conditionedFor = List.of();
  }

  @Override
  public void close() {
    release();
    loaded.ifPresent(Executable::close);
    loaded = Optional.empty();
  }
}
