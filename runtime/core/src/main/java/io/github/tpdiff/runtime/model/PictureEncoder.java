package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Pictures to the conditions that they decide, at full rate. Holds its encoders until closed. */
public final class PictureEncoder implements AutoCloseable {
  private final PipelineParts parts;
  private final List<ComponentDescription> encoders;
  private final Map<String, Executable> loaded = new HashMap<>();

  private PictureEncoder(PipelineParts parts, List<ComponentDescription> encoders) {
    this.parts = parts;
    this.encoders = encoders;
  }

  /** Whether a model is conditioned on pictures, and has what encodes them. */
  public static boolean isUsed(PipelineParts parts) {
    Flow flow = parts.description().flow();
    return flow.conditions(true).stream()
        .anyMatch(
            condition ->
                flow.writers(List.of(condition.name())).stream()
                    .allMatch(writer -> parts.has(writer.name())));
  }

  /**
   * The encoder of a pipeline's pictures; its networks are loaded with the first picture.
   *
   * @throws CheckpointException if one that the model needs is absent
   */
  public static PictureEncoder open(PipelineParts parts) {
    return new PictureEncoder(parts, parts.encoders("a picture", true));
  }

  /**
   * The conditions of a picture, each with a batch axis of one.
   *
   * @param picture F32 [1, 3, 1, H, W] in [−1, 1], of the clip's size
   * @param clip its latents at full rate
   */
  public Map<String, Tensor> encode(Tensor picture, LatentShape clip) {
    var values = new HashMap<String, Tensor>();
    values.put(Flow.PICTURE, picture);
    values.put(
        Flow.POSITIONS, NetworkInputs.positions(IntStream.range(0, clip.frames()).toArray()));
    for (ComponentDescription encoder : encoders) {
      Executable executable = loaded.computeIfAbsent(encoder.name(), parts::load);
      var inputs = new HashMap<String, Tensor>();
      executable
          .inputNames()
          .forEach(
              input ->
                  inputs.put(
                      input, require(encoder, encoder.reads().getOrDefault(input, input), values)));
      Map<String, Tensor> outputs = executable.run(inputs);
      encoder
          .writes()
          .forEach((output, value) -> values.put(value, require(encoder, output, outputs)));
    }
    var conditions = new LinkedHashMap<String, Tensor>();
    for (Condition condition : parts.description().flow().conditions(true)) {
      Optional.ofNullable(values.get(condition.name()))
          .ifPresent(value -> conditions.put(condition.name(), value));
    }
    return conditions;
  }

  private static Tensor require(
      ComponentDescription component, String name, Map<String, Tensor> values) {
    return Optional.ofNullable(values.get(name))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected a value '%s', found %s"
                        .formatted(component.name(), name, values.keySet())));
  }

  /** Frees the encoders. */
  @Override
  public void close() {
    loaded.values().forEach(Executable::close);
    loaded.clear();
  }
}
