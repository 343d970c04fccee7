package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** A pipeline of Java functions that keeps a list of what is loaded and closed. */
public final class FunctionParts implements PipelineParts {
  private record Function(
      List<String> inputs, List<String> outputs, UnaryOperator<Map<String, Tensor>> body) {}

  private final ModelDescription description;
  private final Map<String, Function> functions = new LinkedHashMap<>();
  private final List<String> events = Collections.synchronizedList(new ArrayList<>());

  private Optional<StageConfig> madeFor = Optional.empty();
  private boolean batchesPay = true;
  private int mostClips = 1;
  private Runnable beforeLoading = () -> {};

  public FunctionParts(ModelDescription description) {
    this.description = description;
  }

  /** {@code +NAME} for loading, {@code -NAME} for closing. */
  public List<String> events() {
    return events;
  }

  /** The same parts, made for stages. */
  public FunctionParts madeFor(StageConfig stages) {
    madeFor = Optional.of(stages);
    return this;
  }

  /** The same parts in memory that allows a pass of so many clips; of one unless said. */
  public FunctionParts allowing(int clips) {
    mostClips = clips;
    return this;
  }

  /** The same parts on a device that one clip keeps busy. */
  public FunctionParts withoutBatches() {
    batchesPay = false;
    return this;
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return madeFor;
  }

  public FunctionParts with(
      String name,
      List<String> inputs,
      List<String> outputs,
      UnaryOperator<Map<String, Tensor>> body) {
    functions.put(name, new Function(inputs, outputs, body));
    return this;
  }

  /** The same with something done before a function is loaded. */
  public FunctionParts loading(Runnable first) {
    beforeLoading = first;
    return this;
  }

  /** The same with something done before each run of a function. */
  public FunctionParts before(String name, Runnable first) {
    Function own = Optional.ofNullable(functions.get(name)).orElseThrow();
    return with(
        name,
        own.inputs(),
        own.outputs(),
        inputs -> {
          first.run();
          return own.body().apply(inputs);
        });
  }

  public FunctionParts without(String name) {
    functions.remove(name);
    return this;
  }

  @Override
  public ModelDescription description() {
    return description;
  }

  @Override
  public Set<String> components() {
    return functions.keySet();
  }

  @Override
  public String origin() {
    return "functions";
  }

  @Override
  public Executable load(String name) {
    var function =
        Optional.ofNullable(functions.get(name))
            .orElseThrow(() -> new CheckpointException(name + ": absent"));
    beforeLoading.run();
    events.add("+" + name);
    return new FunctionExecutable(
        function.inputs, function.outputs, function.body, () -> events.add("-" + name));
  }

  /** A function weighs as much as it has inputs. */
  @Override
  public long bytes(String name) {
    return Optional.ofNullable(functions.get(name)).orElseThrow().inputs().size();
  }

  @Override
  public Object identity(String name) {
    return List.of(System.identityHashCode(this), name);
  }

  @Override
  public boolean allows(String denoiser, LatentShape shape) {
    return shape.batch() <= mostClips;
  }

  @Override
  public boolean batchesPay() {
    return batchesPay;
  }

  @Override
  public Tokenizer tokenizer(String name) {
    return new WordTokenizer();
  }

  @Override
  public void close() {}
}
