package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a network is told of one prompt and picture, or of a batch of them: the values of its
 * conditions, at full rate.
 *
 * @param flow of the model
 * @param values by the conditions' names; of optional ones some may be absent
 */
public record Conditions(Flow flow, Map<String, Tensor> values) {
  public Conditions {
    values = Map.copyOf(values);
  }

  /** Conditions of several clips as those of one batch. */
  public static Conditions join(List<Conditions> clips) {
    Conditions first = clips.get(0);
    var joined = new LinkedHashMap<String, Tensor>();
    clips.stream()
        .flatMap(clip -> clip.values.keySet().stream())
        .distinct()
        .forEach(
            name ->
                joined.put(
                    name,
                    NetworkInputs.join(
                        name, clips.stream().map(clip -> clip.require(name)).toList())));
    return new Conditions(first.flow, joined);
  }

  /** Made-up numbers in place of all conditions of a model, for a clip of some latents. */
  public static Conditions noise(Flow flow, LatentShape latents) {
    Map<String, Long> sizes = NetworkInputs.sizes(flow, latents);
    var values = new HashMap<String, Tensor>();
    flow.conditions()
        .forEach(
            condition -> values.put(condition.name(), noise(condition, condition.extents(sizes))));
    return new Conditions(flow, values);
  }

  private static Tensor noise(Condition condition, long[] extents) {
    int count = Math.toIntExact(Arrays.stream(extents).reduce(1, Math::multiplyExact));
    if (condition.type() == ElementType.I64) {
      var ones = new long[count]; // a mask that leaves nothing out
      Arrays.fill(ones, 1);
      return Tensor.ofLongs(ones, extents);
    }
    var drawn = NoiseSource.seeded(1).draw(new LatentShape(1, 1, 1, 1, count));
    return Tensor.ofFloats(drawn.data(), extents);
  }

  /** These with others, which take the place of those of the same names. */
  public Conditions with(Map<String, Tensor> others) {
    var all = new HashMap<>(values);
    all.putAll(others);
    return new Conditions(flow, all);
  }

  private Tensor require(String name) {
    Tensor found = values.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "conditions: expected '%s' of every clip of a batch, found none in one".formatted(name));
    }
    return found;
  }

  /** Whether a component's inputs change from stage to stage. */
  public boolean followStages(String component) {
    return reads(component).values().stream()
        .flatMap(value -> flow.condition(value).stream())
        .anyMatch(condition -> condition.follows() == Condition.Follows.FRAMES);
  }

  /**
   * The inputs of a component in one stage, by the names that its program has for them.
   *
   * @param stage the shape of the latents in the stage
   * @param framePositions of the stage's frames at full rate
   * @throws CheckpointException if a condition is absent that is not optional
   */
  public Map<String, Tensor> inputs(String component, LatentShape stage, int[] framePositions) {
    var inputs = new LinkedHashMap<String, Tensor>();
    reads(component)
        .forEach((input, value) -> inputs.put(input, at(component, value, stage, framePositions)));
    return inputs;
  }

  private Map<String, String> reads(String component) {
    return flow.find(component).map(ComponentDescription::reads).orElse(Map.of());
  }

  private Tensor at(String component, String value, LatentShape stage, int[] framePositions) {
    Condition condition =
        flow.condition(value)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s: reads '%s', which is no condition of the model"
                            .formatted(component, value)));
    Tensor found = values.get(value);
    if (found == null && !condition.optional()) {
      throw new CheckpointException(
          "%s: expected the condition '%s', found none".formatted(component, value));
    }
    if (found == null) {
      return condition.absent(NetworkInputs.sizes(flow, stage));
    }
    return condition.follows() == Condition.Follows.FRAMES
        ? NetworkInputs.select(value, found, condition.frameAxis(), framePositions)
        : found;
  }
}
