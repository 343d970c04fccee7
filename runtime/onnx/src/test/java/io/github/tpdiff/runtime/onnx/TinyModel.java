package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.text.Tokenizer;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A model of two components over one checkpoint: y = W x + context, context = V text. */
record TinyModel(TensorSource weights, Path tokenizerFolder) implements VideoModel {
  static final List<String> TENSORS = List.of("denoise.weight", "condition.weight");

  private static Program denoiser() {
    Value x = Value.input("hidden_states", "batch", "tokens", 2);
    Value y = x.linear(Value.weight("denoise.weight", 2, 2)).plus(Value.input("context", 2));
    return new Program(
        "denoiser",
        List.of(Graph.of("block", "out_hidden_states", y)),
        List.of("out_hidden_states"));
  }

  private static Program conditioning() {
    Value context =
        Value.input("encoder_hidden_states", 2).linear(Value.weight("condition.weight", 2, 2));
    return new Program(
        "conditioning", List.of(Graph.of("project", "context", context)), List.of("context"));
  }

  @Override
  public PipelineDescription description() {
    return new PipelineDescription(
        "tiny",
        "transformer",
        new PipelineDescription.Latents(1, 8, 4, true, 100, 16, List.of(0.0), List.of(1.0)),
        new PipelineDescription.Text(8, PipelineDescription.Cleaning.NONE),
        Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0),
        Map.of(),
        new PipelineDescription.Defaults(16, 16, 5, 8, 2, 1));
  }

  @Override
  public Map<Role, Component> components() {
    return Map.of(
        Role.DENOISER, new Component(denoiser(), weights),
        Role.CONDITIONING, new Component(conditioning(), weights));
  }

  @Override
  public Tokenizer tokenizer() {
    throw new CheckpointException("the tiny model has no tokenizer");
  }

  @Override
  public List<String> defaultLoraTargets() {
    return List.of("denoise");
  }

  @Override
  public void close() {
    weights.close();
  }
}
