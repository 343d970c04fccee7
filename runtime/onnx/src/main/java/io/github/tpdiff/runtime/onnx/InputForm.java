package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.TensorInfo;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.GraphException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Type and shape that a graph says of an input. */
record InputForm(ElementType type, List<Extent> extents) {
  /**
   * A size.
   *
   * @param fixed less than 0 where it is free
   * @param symbol what one that is free is called, in all inputs alike; may be empty
   */
  record Extent(long fixed, String symbol) {}

  static InputForm of(TensorInfo info) {
    long[] fixed = info.getShape();
    String[] symbols = info.getDimensionNames();
    var extents = new ArrayList<Extent>();
    for (int axis = 0; axis < fixed.length; axis++) {
      extents.add(new Extent(fixed[axis], symbols[axis]));
    }
    return new InputForm(OnnxSession.elementType(info), List.copyOf(extents));
  }

  static InputForm of(ValueInfoProto info) {
    TypeProto.Tensor tensor = info.getType().getTensorType();
    boolean isFloat = tensor.getElemType() == TensorProto.DataType.FLOAT.getNumber();
    return new InputForm(
        isFloat ? ElementType.F32 : ElementType.I64,
        tensor.getShape().getDimList().stream().map(InputForm::extent).toList());
  }

  private static Extent extent(Dimension dim) {
    return dim.hasDimValue()
        ? new Extent(dim.getDimValue(), "")
        : new Extent(-1, dim.getDimParam());
  }

  /**
   * Passes a tensor that fits.
   *
   * @param graph and {@code name} of the input, for the message
   * @param symbols the sizes that are known by the other inputs; those of this one are added
   * @throws GraphException if it does not
   */
  void require(String graph, String name, Tensor found, Map<String, Long> symbols) {
    long[] shape = found.shape();
    boolean fits = found.type() == type && shape.length == extents.size();
    for (int axis = 0; fits && axis < shape.length; axis++) {
      Extent extent = extents.get(axis);
      if (extent.fixed() >= 0) {
        fits = shape[axis] == extent.fixed();
      } else if (!extent.symbol().isEmpty()) {
        Long earlier = symbols.putIfAbsent(extent.symbol(), shape[axis]);
        fits = earlier == null || earlier == shape[axis];
      }
    }
    if (!fits) {
      throw new GraphException(
          "%s: input %s: expected %s%s, found %s%s"
              .formatted(graph, name, type, words(symbols), found.type(), Arrays.toString(shape)));
    }
  }

  private List<String> words(Map<String, Long> symbols) {
    return extents.stream()
        .map(
            extent -> {
              Long known = symbols.get(extent.symbol());
              return extent.fixed() >= 0
                  ? Long.toString(extent.fixed())
                  : extent.symbol() + (known == null ? "" : "=" + known);
            })
        .toList();
  }
}
