package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.common.primitives.Longs;
import com.google.protobuf.InvalidProtocolBufferException;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An exported graph as a file says it, looked at before the runtime is let near: no tensor is
 * larger than the data there is for it, and no constant shape asks for more than a machine has.
 *
 * @param initializers of the graph itself, by name
 */
record GraphFile(Path file, ModelProto model, Map<String, TensorProto> initializers) {
  /** Weights lie in files of their own; what is left is nodes. */
  private static final long MOST_BYTES = 1 << 28;

  private static final long LARGEST_EXTENT = Integer.MAX_VALUE;

  /** 32 GB of fp32, more than any single result of a published model. */
  private static final long MOST_ELEMENTS = 1L << 33;

  private static final int DEEPEST = 16;
  private static final Set<String> MAKERS = Set.of("ConstantOfShape", "Expand", "Tile", "Pad");

  /**
   * Reads and checks a graph.
   *
   * @throws CheckpointException naming the file and what in it is not as exported
   */
  static GraphFile read(Path file) {
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw new CheckpointException(
            "%s: expected a graph of at most %d bytes, its weights apart, found %d"
                .formatted(file, MOST_BYTES, Files.size(file)));
      }
      ModelProto model = ModelProto.parseFrom(Files.readAllBytes(file));
      Map<String, TensorProto> initializers = new HashMap<>();
      model.getGraph().getInitializerList().forEach(t -> initializers.put(t.getName(), t));
      var graph = new GraphFile(file, model, initializers);
      graph.check(model.getGraph(), 0);
      return graph;
    } catch (InvalidProtocolBufferException malformed) {
      throw new CheckpointException(
          "%s: expected an ONNX graph: %s; export the model again"
              .formatted(file, malformed.getMessage()),
          malformed);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  /** What it says of itself by a name. */
  Optional<String> property(String name) {
    return model.getMetadataPropsList().stream()
        .filter(property -> property.getKey().equals(name))
        .map(StringStringEntryProto::getValue)
        .findFirst();
  }

  /** Rows of the table that an input's values are looked up in, where that is what they are for. */
  Optional<Long> rows(String input) {
    return model.getGraph().getNodeList().stream()
        .filter(node -> node.getOpType().equals("Gather") && node.getInputCount() == 2)
        .filter(node -> node.getInput(1).equals(input))
        .flatMap(node -> Optional.ofNullable(initializers.get(node.getInput(0))).stream())
        .filter(table -> table.getDimsCount() > 0)
        .map(table -> table.getDims(0))
        .findFirst();
  }

  /** Inputs that need not be given, as there is an initializer of their name. */
  Map<String, InputForm> optionalInputs() {
    return model.getGraph().getInputList().stream()
        .filter(input -> initializers.containsKey(input.getName()))
        .collect(
            Collectors.toUnmodifiableMap(ValueInfoProto::getName, input -> InputForm.of(input)));
  }

  /** The numbers of an fp32 tensor, wherever they lie. */
  float[] floats(String tensor) {
    TensorProto found = Objects.requireNonNull(initializers.get(tensor));
    String what = "tensor '" + tensor + "'";
    require(
        found.getDataType() == TensorProto.DataType.FLOAT.getNumber(),
        what,
        "fp32",
        TensorProto.DataType.forNumber(found.getDataType()));
    var values = new float[Math.toIntExact(elements(what, found.getDimsList()))];
    payload(what, found, values.length * Float.BYTES).asFloatBuffer().get(values);
    return values;
  }

  private ByteBuffer payload(String what, TensorProto tensor, int size) {
    if (tensor.getDataLocation() != TensorProto.DataLocation.EXTERNAL) {
      require(
          tensor.getRawData().size() == size, what, size + " bytes", tensor.getRawData().size());
      return tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
    Map<String, String> entries = entries(tensor);
    Path data = file.resolveSibling(entries.getOrDefault("location", "")).normalize();
    var bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(data)) {
      long offset = number(what, entries.getOrDefault("offset", "0"));
      int read = 0;
      while (read >= 0 && bytes.hasRemaining()) {
        read = channel.read(bytes, offset + bytes.position());
      }
      require(!bytes.hasRemaining(), what, size + " bytes of " + data, bytes.position());
      return bytes.flip();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(data, failure), failure);
    }
  }

  /** Bytes of its weights, wherever they lie. */
  long weightBytes() {
    long bytes = 0;
    for (TensorProto tensor : model.getGraph().getInitializerList()) {
      bytes +=
          tensor.getExternalDataList().stream()
              .filter(entry -> entry.getKey().equals("length"))
              .mapToLong(entry -> Long.parseLong(entry.getValue()))
              .findFirst()
              .orElse(tensor.getSerializedSize());
    }
    return bytes;
  }

  private void check(GraphProto graph, int depth) {
    require(depth <= DEEPEST, "graph", "at most " + DEEPEST + " graphs in each other", depth);
    graph.getInitializerList().forEach(this::check);
    graph.getInputList().forEach(this::check);
    graph.getOutputList().forEach(this::check);
    graph.getValueInfoList().forEach(this::check);
    for (NodeProto node : graph.getNodeList()) {
      for (AttributeProto attribute : node.getAttributeList()) {
        if (attribute.hasT()) {
          check(attribute.getT());
        }
        attribute.getTensorsList().forEach(this::check);
        if (attribute.hasG()) {
          check(attribute.getG(), depth + 1);
        }
        attribute.getGraphsList().forEach(inner -> check(inner, depth + 1));
      }
      if (MAKERS.contains(node.getOpType())) {
        node.getInputList().stream()
            .flatMap(name -> Optional.ofNullable(initializers.get(name)).stream())
            .forEach(shape -> checkShape(node, shape));
      }
    }
  }

  private void check(ValueInfoProto value) {
    value
        .getType()
        .getTensorType()
        .getShape()
        .getDimList()
        .forEach(
            dim ->
                require(
                    dim.getDimValue() >= 0 && dim.getDimValue() <= LARGEST_EXTENT,
                    "value '" + value.getName() + "'",
                    "dimensions from 0 to " + LARGEST_EXTENT,
                    dim.getDimValue()));
  }

  private void check(TensorProto tensor) {
    String what = "tensor '" + tensor.getName() + "'";
    long elements = elements(what, tensor.getDimsList());
    if (tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL) {
      checkExternal(what, tensor, elements);
    } else {
      // Types of less than a byte are packed.
      require(
          elements <= 2L * tensor.getSerializedSize(),
          what,
          "no more elements than there is data for",
          tensor.getDimsList());
    }
  }

  private long elements(String what, List<Long> extents) {
    long product = 1;
    for (long extent : extents) {
      boolean fits = extent >= 0 && (extent == 0 || product <= Long.MAX_VALUE / 16 / extent);
      require(fits, what, "dimensions that fit in memory", extents);
      product *= extent;
    }
    return product;
  }

  private void checkExternal(String what, TensorProto tensor, long elements) {
    Map<String, String> entries = entries(tensor);
    Path data = file.resolveSibling(entries.getOrDefault("location", "")).normalize();
    long available;
    try {
      available = Files.size(data);
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: %s: expected its data in %s, found none; export the model again"
              .formatted(file, what, data),
          failure);
    }
    long offset = number(what, entries.getOrDefault("offset", "0"));
    long length = number(what, entries.getOrDefault("length", Long.toString(available - offset)));
    require(
        offset <= available && length <= available - offset,
        what,
        "data within the %d bytes of %s".formatted(available, data),
        offset + " + " + length);
    require(elements <= 2 * length, what, "as much data as elements", tensor.getDimsList());
  }

  private static Map<String, String> entries(TensorProto tensor) {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    return entries;
  }

  private long number(String what, String text) {
    try {
      long number = Long.parseLong(text);
      require(number >= 0, what, "a place in a file", text);
      return number;
    } catch (NumberFormatException malformed) {
      throw new CheckpointException(
          "%s: %s: expected a place in a file, found '%s'".formatted(file, what, text), malformed);
    }
  }

  /** Integers that are a shape, or how often something is repeated. */
  private void checkShape(NodeProto node, TensorProto shape) {
    if (shape.getDataType() != TensorProto.DataType.INT64.getNumber()) {
      return;
    }
    double product = 1;
    for (long value : integers(shape)) {
      product *= Math.max(1, Math.abs((double) value));
    }
    require(
        product <= MOST_ELEMENTS,
        "node '" + node.getName() + "' (" + node.getOpType() + ")",
        "a shape of at most " + MOST_ELEMENTS + " elements",
        integers(shape));
  }

  private static List<Long> integers(TensorProto tensor) {
    if (tensor.getRawData().isEmpty()) {
      return tensor.getInt64DataList();
    }
    ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    long[] values = new long[raw.remaining() / Long.BYTES];
    raw.asLongBuffer().get(values);
    return Longs.asList(values);
  }

  private void require(boolean holds, String what, String expected, Object found) {
    if (!holds) {
      throw new CheckpointException(
          "%s: %s: expected %s, found %s; export the model again"
              .formatted(file, what, expected, found));
    }
  }
}
