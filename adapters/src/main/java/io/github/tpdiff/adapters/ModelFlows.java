package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the flows of families have in common. */
public final class ModelFlows {
  private static final Set<String> STEP =
      Set.of(
          NetworkInputs.LATENTS,
          NetworkInputs.TIMESTEP,
          NetworkInputs.POSITIONS,
          NetworkInputs.ROWS,
          NetworkInputs.COLUMNS);

  private ModelFlows() {}

  /** Programs with the checkpoint that holds the weights of all. */
  public static Map<String, Component> attach(Map<String, Program> programs, TensorSource weights) {
    var components = new LinkedHashMap<String, Component>();
    programs.forEach(
        (name, program) -> components.put(name, new Component(name, program, weights)));
    return components;
  }

  /**
   * A text encoder of the tokens of a text, with a mask where it takes one.
   *
   * @param writes the value that each output is
   */
  public static ComponentDescription textEncoder(
      String name, Text text, boolean masked, Map<String, String> writes) {
    var reads = new LinkedHashMap<>(Map.of("input_ids", text.ids()));
    if (masked) {
      reads.put("attention_mask", text.mask());
    }
    return ComponentDescription.of(name, Runs.PROMPT, reads, writes);
  }

  /**
   * Encoder and decoder of an autoencoder.
   *
   * @param stateful whether a chunk depends on those before it
   */
  public static List<ComponentDescription> autoencoder(boolean stateful) {
    var components = new ArrayList<ComponentDescription>();
    for (String half :
        List.of(ComponentDescription.VAE_ENCODER, ComponentDescription.VAE_DECODER)) {
      if (stateful) {
        components.add(chunked(ComponentDescription.first(half)));
      }
      components.add(chunked(half));
    }
    return components;
  }

  private static ComponentDescription chunked(String name) {
    return ComponentDescription.of(name, Runs.CHUNK, Map.of(), Map.of());
  }

  /**
   * A denoiser and its conditioning.
   *
   * @param values the condition that each input of the conditioning is
   */
  public static List<ComponentDescription> network(String denoiser, Map<String, String> values) {
    return network(denoiser, values, Map.of());
  }

  /**
   * The same where the denoiser itself reads conditions too.
   *
   * @param own the condition that each input of the denoiser is
   */
  public static List<ComponentDescription> network(
      String denoiser, Map<String, String> values, Map<String, String> own) {
    return List.of(
        ComponentDescription.of(
            ComponentDescription.conditioning(denoiser), Runs.PROMPT, values, Map.of()),
        ComponentDescription.of(denoiser, Runs.STEP, own, Map.of()));
  }

  /** The inputs of a program that are not those of each step, each a condition of its own name. */
  public static Map<String, String> conditionsByName(Program program) {
    var values = new LinkedHashMap<String, String>();
    program.inputs().keySet().stream()
        .filter(name -> !STEP.contains(name))
        .forEach(name -> values.put(name, name));
    return values;
  }

  /**
   * The conditions that inputs of a program are, the same in every stage.
   *
   * @param values the condition that each input is
   */
  public static List<Condition> conditions(Program program, Map<String, String> values) {
    var conditions = new ArrayList<Condition>();
    for (Map.Entry<String, Value> input : program.inputs().entrySet()) {
      String value = values.get(input.getKey());
      if (value != null) {
        conditions.add(Condition.of(value, input.getValue(), Condition.Follows.NOTHING));
      }
    }
    return conditions;
  }

  /** The rows of a text as a condition of a network that is not there to say their width. */
  public static Condition textRows(String name, String width) {
    return new Condition(
        name,
        ElementType.F32,
        List.of("batch", Flow.TEXT_ROWS, width),
        Condition.Follows.NOTHING,
        false);
  }

  /** How many embeddings an encoder has for token ids; no bound where there is no encoder. */
  public static long embeddings(Map<String, Component> components, String encoder, String table) {
    Component found = components.get(encoder);
    Value weight = found == null ? null : found.program().weights().get(table);
    return weight == null ? Long.MAX_VALUE : weight.dim(0).value();
  }
}
