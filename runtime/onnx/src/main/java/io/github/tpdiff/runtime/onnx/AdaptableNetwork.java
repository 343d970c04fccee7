package io.github.tpdiff.runtime.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraFit;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraSum;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.PreparedChange;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The exported graphs of a denoiser, as LoRAs see them. */
final class AdaptableNetwork {
  private static final String WEIGHT = ".weight";

  private final String origin;
  private final Map<String, Open> graphs = new LinkedHashMap<>();
  private final LoraFit fit;

  /** A graph and its inputs that need not be given. */
  private record Open(GraphFile graph, Map<String, InputForm> inputs) {
    boolean has(String tensor) {
      return graph.initializers().containsKey(tensor);
    }

    boolean isLayer(String weight) {
      return weight.endsWith(WEIGHT) && inputs.containsKey(Adaptable.loraA(weight));
    }
  }

  /**
   * @param origin of the folder, for messages
   * @param files by component
   * @throws IllegalArgumentException if it was not exported to take LoRAs
   */
  AdaptableNetwork(String origin, Map<String, GraphFile> files) {
    this.origin = origin;
    files.forEach((name, graph) -> graphs.put(name, new Open(graph, graph.optionalInputs())));
    if (graphs.values().stream().allMatch(graph -> graph.inputs().isEmpty())) {
      throw new IllegalArgumentException(
          "loras: %s was not exported to take LoRAs at run time; export it with --takes-loras or with the LoRA in it, or generate with the checkpoint"
              .formatted(origin));
    }
    var known = new HashMap<String, TensorInfo>();
    graphs.values().forEach(graph -> known.putAll(known(graph)));
    this.fit = new LoraFit(known);
  }

  /** What fits the denoiser. */
  LoraFit fit() {
    return fit;
  }

  private static Map<String, TensorInfo> known(Open graph) {
    var known = new HashMap<String, TensorInfo>();
    graph.graph().initializers().values().stream()
        .filter(tensor -> tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL)
        .forEach(tensor -> known.put(tensor.getName(), info(tensor)));
    // Of a layer, whatever its weight is stored as, its products say the size.
    graph
        .inputs()
        .forEach(
            (name, a) ->
                layer(name)
                    .flatMap(
                        weight ->
                            Optional.ofNullable(graph.inputs().get(Adaptable.loraB(weight)))
                                .map(b -> info(weight, a, b)))
                    .ifPresent(info -> known.put(info.name(), info)));
    return known;
  }

  private static TensorInfo info(String weight, InputForm a, InputForm b) {
    long out = b.extents().get(0).fixed();
    long in = a.extents().get(1).fixed();
    return new TensorInfo(weight, DType.F32, List.of(out, in));
  }

  private static TensorInfo info(TensorProto tensor) {
    // In which of the floating types it lies is nothing to a LoRA.
    return new TensorInfo(tensor.getName(), DType.F32, tensor.getDimsList());
  }

  /** The layer's weight that an input is A of. */
  private static Optional<String> layer(String input) {
    String end = Adaptable.loraA(WEIGHT);
    return Optional.of(input)
        .filter(name -> name.endsWith(end))
        .map(name -> name.substring(0, name.length() - end.length()) + WEIGHT);
  }

  /**
   * The values of the inputs with LoRAs, by component.
   *
   * @throws IllegalArgumentException if one changes what can only be changed in an export
   */
  Map<String, Map<String, Tensor>> values(List<LoraSum.Term> terms) {
    terms.forEach(term -> requireProducts(term.weights()));
    LoraWeights sum = LoraSum.of(terms);
    Map<String, TensorChange> changes = fit.require(origin, sum);
    changes.forEach((name, change) -> change.requireFinite(name, 1));
    var values = new LinkedHashMap<String, Map<String, Tensor>>();
    graphs.forEach(
        (component, graph) -> {
          var own = new LinkedHashMap<String, Tensor>();
          changes.forEach(
              (name, change) -> {
                if (graph.has(name) || graph.isLayer(name)) {
                  put(name, change, graph, own);
                }
              });
          values.put(component, own);
        });
    return values;
  }

  private static void requireProducts(LoraWeights lora) {
    for (Map.Entry<String, LayerChange> layer : lora.layers().entrySet()) {
      if (!(layer.getValue() instanceof LoraPair)) {
        throw new IllegalArgumentException(
            "loras: %s is changed by a %s, which is no product of low rank beside it; export with it: tpdiff export MODEL TO --lora FILE"
                .formatted(layer.getKey(), layer.getValue().kind()));
      }
    }
  }

  private static void put(
      String name, TensorChange change, Open graph, Map<String, Tensor> values) {
    Optional<LoraPair> pair = change.layer().map(LoraPair.class::cast);
    boolean beside = pair.isPresent() && graph.isLayer(name);
    if (beside) {
      LoraPair own = pair.get();
      values.put(Adaptable.loraA(name), Tensor.ofFloats(own.a(), own.rank(), own.in()));
      values.put(Adaptable.loraB(name), scaled(own));
    }
    if (!beside || change.full().isPresent()) {
      if (!graph.inputs().containsKey(name)) {
        throw new IllegalArgumentException(
            "loras: tensor '%s' is too large to be replaced at run time; export with the LoRA in it: tpdiff export MODEL TO --lora FILE"
                .formatted(name));
      }
      float[] elements = graph.graph().floats(name);
      pair.filter(none -> !beside).ifPresent(own -> add(own, elements));
      change.full().ifPresent(own -> add(own, elements));
      values.put(name, Tensor.ofFloats(elements, shape(graph.graph(), name)));
    }
  }

  private static void add(PreparedChange change, float[] elements) {
    change.addTo(elements, 0, 1);
  }

  /** B with the factor on the product. */
  private static Tensor scaled(LoraPair pair) {
    float[] b = pair.b().clone();
    for (int i = 0; i < b.length; i++) {
      b[i] *= (float) pair.scale();
    }
    return Tensor.ofFloats(b, pair.out(), pair.rank());
  }

  private static long[] shape(GraphFile graph, String name) {
    return requireNonNull(graph.initializers().get(name)).getDimsList().stream()
        .mapToLong(Long::longValue)
        .toArray();
  }
}
