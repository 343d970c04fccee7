package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a pipeline is made of, ready for one engine: an opened checkpoint, or an exported folder.
 *
 * <p>Nothing is loaded before it is asked for, so the parts of a pipeline need not fit in memory
 * together.
 */
public interface PipelineParts extends AutoCloseable {
  ModelDescription description();

  /** The stages that the weights were trained or exported for, if anything says so. */
  Optional<StageConfig> madeFor();

  /**
   * What a choice of stages comes to with these parts.
   *
   * @throws IllegalArgumentException if the weights were made for another number of stages
   */
  default Decided stages(StageChoice choice) {
    return choice.decide(madeFor(), description().vanillaStages());
  }

  /** The names of the components there are. */
  Set<String> components();

  /** Whether there is a component. */
  default boolean has(String component) {
    return components().contains(component);
  }

  /**
   * Checks that components are there before hours are spent on a beginning.
   *
   * @param purpose what needs them, such as {@code a video}
   * @throws CheckpointException naming those that are absent
   */
  default void require(String purpose, Collection<String> names) {
    List<String> absent = names.stream().filter(name -> !has(name)).toList();
    if (!absent.isEmpty()) {
      throw new CheckpointException(
          "%s: %s needs %s: found no %s, only %s"
              .formatted(origin(), purpose, labels(names), labels(absent), labels(components())));
    }
  }

  private static String labels(Collection<String> names) {
    return names.isEmpty()
        ? "nothing"
        : names.stream()
            .map(ComponentDescription::label)
            .distinct()
            .collect(Collectors.joining(", "));
  }

  /**
   * The components that give the conditions that prompts decide, or those that pictures do: of
   * optional conditions only where they are there.
   *
   * @param purpose what needs them, for the message
   * @throws CheckpointException if one is absent that the model does not work without
   */
  default List<ComponentDescription> encoders(String purpose, boolean ofPictures) {
    Flow flow = description().flow();
    var values = new ArrayList<String>();
    for (Condition condition : flow.conditions(ofPictures)) {
      List<String> writers =
          flow.writers(List.of(condition.name())).stream().map(ComponentDescription::name).toList();
      if (!condition.optional()) {
        require(purpose, writers);
      }
      if (components().containsAll(writers)) {
        values.add(condition.name());
      }
    }
    return flow.writers(values);
  }

  /** Where the parts come from, for messages. */
  String origin();

  /**
   * Loads a component; whoever asks closes it, which frees its weights. It may be loaded again.
   *
   * @throws CheckpointException if it is absent or does not fit, naming it
   */
  Executable load(String component);

  /**
   * Inputs to be bound to a component when it has been loaded: LoRAs of an export that leaves room
   * for them. They are no part of its {@link #identity}, so that it stays loaded when they change.
   */
  default Map<String, Tensor> adapter(String component) {
    return Map.of();
  }

  /** Bytes of the weights of a component when it is loaded, as they are stored. */
  long bytes(String component);

  /**
   * What a loaded component is equal by: components of several parts with equal identities load to
   * the same, such as those that a LoRA leaves as they are.
   */
  Object identity(String component);

  /**
   * Whether memory allows a pass of a denoiser over latents of a shape, by the cost model.
   *
   * @param shape of all clips of the pass
   */
  boolean allows(String denoiser, LatentShape shape);

  /** Whether one pass over several clips takes less time than one for each. */
  boolean batchesPay();

  /**
   * A tokenizer, opened on first use and closed with the parts or the checkpoint they come from.
   *
   * @throws CheckpointException if there is none of that name
   */
  Tokenizer tokenizer(String name);

  /** Closes what the parts opened themselves; executables are their users' to close. */
  @Override
  void close();

  /** The components of an opened checkpoint on an engine; both stay the caller's to close. */
  static PipelineParts of(VideoModel model, Engine engine) {
    return new LoadedModel(model, engine);
  }
}
