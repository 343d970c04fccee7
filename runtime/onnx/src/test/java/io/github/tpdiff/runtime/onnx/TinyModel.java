package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A model of two components over one checkpoint: y = W x + context, context = V text. */
final class TinyModel {
  static final String DENOISER = "transformer";
  static final String CONDITIONING = "transformer/conditioning";
  static final List<String> TENSORS = List.of("denoise.weight", "condition.weight");
  private static final String TEXT = "encoder_hidden_states";

  private TinyModel() {}

  /** A model that closes the weights. */
  static VideoModel of(TensorSource weights, Path tokenizer) {
    return VideoModel.of(
        description(),
        List.of(
            new Component(CONDITIONING, conditioning(), weights),
            new Component(DENOISER, denoiser(), weights)),
        new Tokenizers(Map.of("tokenizer", new Tokenizers.Files(tokenizer, Long.MAX_VALUE))),
        List.of("denoise"));
  }

  private static Program denoiser() {
    Value x = Value.input("hidden_states", "batch", "tokens", 2);
    Value y = x.linear(Value.weight("denoise.weight", 2, 2)).plus(Value.input("context", 2));
    return new Program(
        "denoiser",
        List.of(Graph.of("block", "out_hidden_states", y)),
        List.of("out_hidden_states"));
  }

  private static Program conditioning() {
    Value context = Value.input(TEXT, 2).linear(Value.weight("condition.weight", 2, 2));
    return new Program(
        "conditioning", List.of(Graph.of("project", "context", context)), List.of("context"));
  }

  private static ModelDescription description() {
    return new ModelDescription(
        "tiny",
        flow(),
        new ModelDescription.Latents(1, 8, 4, true, 100, 16, List.of(0.0), List.of(1.0)),
        TargetScale.GLOBAL,
        Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0),
        Map.of(),
        new ModelDescription.Defaults(16, 16, 5, 8, 2, 1));
  }

  private static Flow flow() {
    var text = new Text("tokenizer", 8, Text.Cleaning.NONE, Text.Padding.ENCODED);
    return new Flow(
        List.of(
            ComponentDescription.of(
                "text_encoder",
                Runs.PROMPT,
                Map.of("input_ids", text.ids()),
                Map.of("last_hidden_state", TEXT)),
            ComponentDescription.of(CONDITIONING, Runs.PROMPT, Map.of(TEXT, TEXT), Map.of()),
            ComponentDescription.of(DENOISER, Runs.STEP, Map.of(), Map.of())),
        List.of(Flow.Expert.alone(DENOISER)),
        List.of(text),
        List.of(
            new Condition(
                TEXT, ElementType.F32, List.of("batch", "2"), Condition.Follows.NOTHING, false)),
        Map.of("tokens", 2L));
  }
}
