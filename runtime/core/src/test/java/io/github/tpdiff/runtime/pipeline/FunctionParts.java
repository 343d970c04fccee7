package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** A pipeline of Java functions that keeps a list of what is loaded and closed. */
final class FunctionParts implements PipelineParts {
  private record Function(
      List<String> inputs, List<String> outputs, UnaryOperator<Map<String, Tensor>> body) {}

  private final PipelineDescription description;
  private final Map<Role, Function> functions = new EnumMap<>(Role.class);

  /** {@code +ROLE} for loading, {@code -ROLE} for closing. */
  final List<String> events = new ArrayList<>();

  private Optional<StageConfig> madeFor = Optional.empty();

  FunctionParts(PipelineDescription description) {
    this.description = description;
  }

  /** The same parts, made for stages. */
  FunctionParts madeFor(StageConfig stages) {
    madeFor = Optional.of(stages);
    return this;
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return madeFor;
  }

  FunctionParts with(
      Role role,
      List<String> inputs,
      List<String> outputs,
      UnaryOperator<Map<String, Tensor>> body) {
    functions.put(role, new Function(inputs, outputs, body));
    return this;
  }

  FunctionParts without(Role role) {
    functions.remove(role);
    return this;
  }

  @Override
  public PipelineDescription description() {
    return description;
  }

  @Override
  public Set<Role> roles() {
    return functions.keySet();
  }

  @Override
  public Executable load(Role role) {
    var function =
        Optional.ofNullable(functions.get(role))
            .orElseThrow(() -> new CheckpointException(role.label() + ": absent"));
    events.add("+" + role);
    return new FunctionExecutable(
        function.inputs, function.outputs, function.body, () -> events.add("-" + role));
  }

  @Override
  public Tokenizer tokenizer() {
    return new WordTokenizer();
  }

  @Override
  public void close() {}
}
