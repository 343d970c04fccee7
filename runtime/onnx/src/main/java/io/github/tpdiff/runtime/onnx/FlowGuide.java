package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.SamplingGuide.CodecGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.DenoiserGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.GraphGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.PictureGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.TextGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.ValueGuide;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How values flow through the graphs of an exported model, for readers without this code.
 *
 * @param precisions of the graphs
 */
record FlowGuide(VideoModel model, Precisions precisions) {
  private ModelDescription description() {
    return model.description();
  }

  private Flow flow() {
    return description().flow();
  }

  /** All graphs, each after those whose values it reads. */
  List<GraphGuide> graphs() {
    return flow().components().stream()
        .map(ComponentDescription::name)
        .filter(name -> present(name).isPresent())
        .map(name -> graph(model.require(name)))
        .toList();
  }

  /** One graph. */
  GraphGuide graph(Component component) {
    String name = component.name();
    ComponentDescription own =
        flow()
            .find(name)
            .map(FlowGuide::ofItsChunk)
            .orElseGet(() -> ComponentDescription.of(name, Runs.STEP, Map.of(), Map.of()));
    var meanings = new ValueMeanings(description());
    Program program = component.program();
    var shapes = GlobalShapes.of(program);
    var inputs = new LinkedHashMap<String, ValueGuide>();
    program
        .inputs()
        .forEach(
            (input, value) ->
                inputs.put(
                    input,
                    guide(
                        own.reads().getOrDefault(input, input),
                        value.type(),
                        shapes.input(input),
                        meanings.input(own, input))));
    var outputs = new LinkedHashMap<String, ValueGuide>();
    for (String output : program.outputs()) {
      outputs.put(
          output,
          guide(
              own.writes().getOrDefault(output, output),
              type(program, output),
              shapes.output(output),
              meanings.output(own, output)));
    }
    return new GraphGuide(
        name,
        ComponentDescription.graph(name),
        Words.of(own.runs()),
        precisions.of(name),
        inputs,
        outputs);
  }

  /** What runs for each chunk reads and writes that chunk alone, whatever all of them come to. */
  private static ComponentDescription ofItsChunk(ComponentDescription component) {
    return component.runs() == Runs.CHUNK
        ? ComponentDescription.of(component.name(), Runs.CHUNK, Map.of(), Map.of())
        : component;
  }

  private static ElementType type(Program program, String output) {
    ElementType type = ElementType.F32;
    for (Graph segment : program.segments()) {
      type =
          Optional.ofNullable(segment.outputs().get(output))
              .map(value -> value.type())
              .orElse(type);
    }
    return type;
  }

  private static ValueGuide guide(String value, ElementType type, Shape shape, String meaning) {
    return new ValueGuide(
        value, Words.of(type), shape.dims().stream().map(Dim::toString).toList(), meaning);
  }

  List<TextGuide> texts() {
    return flow().texts().stream()
        .map(
            text ->
                new TextGuide(
                    text.tokenizer(),
                    text.maxLength(),
                    Words.of(text.cleaning()),
                    Words.of(text.padding()),
                    rule(text)))
        .toList();
  }

  private static String rule(Text text) {
    String cleaning =
        switch (text.cleaning()) {
          case NONE -> "The prompt as it is";
          case WHITESPACE ->
              "The prompt repaired as ftfy.fix_text does, HTML entities unescaped twice, white"
                  + " space collapsed to single spaces and taken from both ends";
        };
    String padding =
        switch (text.padding()) {
          case ENCODED ->
              "shorter ones are filled up with pad_token, mask 0, which the encoder is given too";
          case ZERO_ROWS ->
              "the encoder is given the real tokens alone, and rows of zeros follow theirs up to"
                  + " that number";
        };
    return "%s; special tokens added; of more than %s tokens the last of the text are dropped, never the closing special token; %s."
        .formatted(cleaning, text.maxLength(), padding);
  }

  /**
   * Encoders of conditions that can all be had, those first whose values others read. An
   * autoencoder's encoder is none of them: it is told of as {@link #pictures}.
   */
  List<String> encoders() {
    List<String> values =
        flow().conditions().stream()
            .map(Condition::name)
            .filter(
                value ->
                    flow().writers(List.of(value)).stream()
                        .allMatch(writer -> present(writer.name()).isPresent()))
            .toList();
    return flow().writers(values).stream()
        .filter(writer -> writer.runs() != Runs.CHUNK)
        .map(ComponentDescription::name)
        .toList();
  }

  List<DenoiserGuide> denoisers() {
    double scale = description().defaults().guidanceScale();
    return flow().denoisers().stream()
        .map(
            expert ->
                new DenoiserGuide(
                    expert.component(),
                    present(ComponentDescription.conditioning(expert.component())),
                    expert.leastTimestep(),
                    expert.guidanceScale().orElse(scale)))
        .toList();
  }

  Optional<CodecGuide> decoder() {
    return codec(
        ComponentDescription.VAE_DECODER,
        ValueMeanings.DECODED,
        ValueMeanings.SAMPLE,
        "One latent frame after the other");
  }

  private Optional<CodecGuide> codec(String component, String input, String output, String chunks) {
    return present(component)
        .map(
            next ->
                new CodecGuide(
                    present(ComponentDescription.first(next)),
                    next,
                    input,
                    output,
                    chunks
                        + ", the first by the graph `first` where there is one, all others by"
                        + " `next`; an output NAME.next is the input NAME of the following one."));
  }

  /**
   * How pictures become conditions.
   *
   * @param stages that are told of them
   */
  Optional<PictureGuide> pictures(StageConfig stages) {
    return flow().pictures().flatMap(use -> pictures(use, stages));
  }

  private Optional<PictureGuide> pictures(PictureUse use, StageConfig stages) {
    int factor = description().latents().temporalFactor();
    Optional<String> condition =
        flow()
            .find(ComponentDescription.VAE_ENCODER)
            .flatMap(encoder -> encoder.writes().values().stream().findFirst());
    Optional<CodecGuide> encoder =
        codec(
            ComponentDescription.VAE_ENCODER,
            ValueMeanings.SAMPLE,
            ValueMeanings.ENCODED,
            "The pixel frames of one latent frame after those of the other");
    return condition.flatMap(
        name ->
            encoder.map(
                codec ->
                    new PictureGuide(
                        name,
                        use.maskChannels(factor),
                        use,
                        codec,
                        PictureRules.of(use, factor, stages))));
  }

  private Optional<String> present(String component) {
    return Optional.of(component).filter(name -> model.find(name).isPresent());
  }
}
