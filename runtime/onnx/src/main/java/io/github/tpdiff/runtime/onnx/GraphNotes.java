package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.onnx.SamplingGuide.GraphGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.ValueGuide;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes into a graph what it is and what its inputs and outputs are, for whoever opens it alone.
 *
 * @param family of the model
 */
record GraphNotes(String family, GraphGuide graph) {
  /** The inputs of a denoiser that are positions: whoever does not read one does not need it. */
  static final String POSITIONS = "positions";

  /** The same model with documentation. */
  ModelProto on(ModelProto model) {
    ModelProto.Builder noted = model.toBuilder();
    noted
        .setDomain("io.github.tpdiff")
        .setDocString(
            "%s of a %s model; runs once for each %s. See README.md and %s of the folder."
                .formatted(graph.component(), family, graph.runs(), SamplingGuide.FILE))
        .clearMetadataProps();
    var properties = new TreeMap<String, String>();
    properties.put("component", graph.component());
    properties.put("family", family);
    properties.put("runs", graph.runs());
    properties.put("precision", graph.precision().word());
    properties.put("reads", flow(graph.inputs()));
    properties.put("writes", flow(graph.outputs()));
    properties.put("version", SamplingGuide.VERSION);
    String positions =
        Stream.of(NetworkInputs.POSITIONS, NetworkInputs.ROWS, NetworkInputs.COLUMNS)
            .filter(graph.inputs()::containsKey)
            .collect(Collectors.joining(" "));
    if (!positions.isEmpty()) {
      properties.put(POSITIONS, positions);
    }
    properties.forEach(
        (key, value) ->
            noted.addMetadataProps(
                StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    GraphProto.Builder inside = noted.getGraphBuilder();
    inside.getInputBuilderList().stream()
        .filter(input -> graph.inputs().containsKey(input.getName())) // LoRAs' say all by name
        .forEach(input -> note(input, graph.inputs()));
    inside.getOutputBuilderList().forEach(output -> note(output, graph.outputs()));
    return noted.build();
  }

  /** Such as {@code input_ids=tokenizer.input_ids attention_mask=tokenizer.attention_mask}. */
  private static String flow(Map<String, ValueGuide> values) {
    return values.entrySet().stream()
        .map(value -> value.getKey() + "=" + value.getValue().value())
        .collect(Collectors.joining(" "));
  }

  private static void note(ValueInfoProto.Builder value, Map<String, ValueGuide> guides) {
    ValueGuide guide = Objects.requireNonNull(guides.get(value.getName()));
    List<String> shape = guide.shape();
    value.setDocString("%s %s: %s".formatted(guide.type(), shape, guide.meaning()));
  }
}
