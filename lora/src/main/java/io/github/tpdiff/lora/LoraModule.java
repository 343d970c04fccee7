package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A low-rank change: {@code y = W x + b} becomes {@code y + scale · B(A(x))} (Hu et al. 2021, eq.
 * 3). Of a convolution, A has its kernel and steps as it does, and B has a kernel of 1.
 *
 * @param name dotted module name in the checkpoint, e.g. {@code blocks.0.attn1.to_q}
 * @param in features in; of a convolution, channels times the kernel's size
 * @param out features or channels out
 * @param rank r
 * @param scale the factor on B·A
 * @param kernel sizes of a convolution's; empty for a linear layer
 */
public record LoraModule(String name, int in, int out, int rank, double scale, List<Integer> kernel)
    implements WeightChange {
  public LoraModule {
    kernel = List.copyOf(kernel);
  }

  /** Of a linear layer. */
  public LoraModule(String name, int in, int out, int rank, double scale) {
    this(name, in, out, rank, scale, List.of());
  }

  /** A change of a layer. */
  static LoraModule of(Layer layer, int rank, double scale) {
    return new LoraModule(layer.name(), layer.in(), layer.out(), rank, scale, layer.kernel());
  }

  /**
   * The change of a layer that a file holds.
   *
   * @throws IllegalArgumentException if it is for a layer of other sizes
   */
  static LoraModule of(Layer layer, LoraPair pair, double strength) {
    LoraModule module = of(layer, pair.rank(), pair.scale() * strength);
    module.requireFit(pair);
    return module;
  }

  /** Name of A [r, in] or [r, in, kernel…]. */
  public String loraA() {
    return name + ".lora_A.weight";
  }

  /** Name of B [out, r] or [out, r, 1…]. */
  public String loraB() {
    return name + ".lora_B.weight";
  }

  @Override
  public long values() {
    return (long) rank * (in + out);
  }

  private List<Long> shapeOfA() {
    int size = kernel.stream().reduce(1, Math::multiplyExact);
    return shape(rank, in / size, kernel);
  }

  private List<Long> shapeOfB() {
    return shape(out, rank, Collections.nCopies(kernel.size(), 1));
  }

  private static List<Long> shape(long first, long second, List<Integer> others) {
    return Stream.concat(Stream.of(first, second), others.stream().map(Integer::longValue))
        .toList();
  }

  @Override
  public Value rewrite(Layer layer) {
    return layer.y().plus(product(layer));
  }

  /** scale · B(A(x)), scaled where it is of rank features. */
  Value product(Layer layer) {
    return layer.y().op() instanceof Op.Conv conv
        ? layer.given().conv(conv, weightA()).times(scale).conv(pointwise(conv), weightB())
        : layer.given().linear(weightA()).times(scale).linear(weightB());
  }

  Value weightA() {
    return weight(loraA(), shapeOfA());
  }

  Value weightB() {
    return weight(loraB(), shapeOfB());
  }

  private static Op.Conv pointwise(Op.Conv conv) {
    int axes = conv.strides().size();
    List<Integer> none = Collections.nCopies(axes, 0);
    return new Op.Conv(Collections.nCopies(axes, 1), none, none);
  }

  private static Value weight(String name, List<Long> shape) {
    return Value.weight(name, shape.stream().mapToLong(Long::longValue).toArray());
  }

  /**
   * {@inheritDoc}
   *
   * <p>As PEFT's: A uniform in ±1/√in (kaiming, a = √5), B zero.
   */
  @Override
  public Map<String, Parameter> freshParameters(TorchRandom random, TensorSource frozen) {
    float[] a = random.kaimingUniform(Math.multiplyExact(rank, in), in);
    return parameters(a, new float[Math.multiplyExact(out, rank)]);
  }

  @Override
  public Map<String, Parameter> parametersOf(TensorChange change) {
    LoraPair pair = LayerKinds.require(change, LoraPair.class, name);
    if (pair.rank() != rank) {
      throw new IllegalArgumentException(
          "LoRA module '%s': expected rank %d, found %d".formatted(name, rank, pair.rank()));
    }
    requireFit(pair);
    return parameters(pair.a().clone(), pair.b().clone());
  }

  private Map<String, Parameter> parameters(float[] a, float[] b) {
    var parameters = new LinkedHashMap<String, Parameter>();
    parameters.put(loraA(), new Parameter(shapeOfA(), a));
    parameters.put(loraB(), new Parameter(shapeOfB(), b));
    return parameters;
  }

  @Override
  public TensorChange changeOf(Map<String, Parameter> parameters) {
    return TensorChange.of(pairOf(parameters));
  }

  LoraPair pairOf(Map<String, Parameter> parameters) {
    var pair =
        new LoraPair(
            rank,
            scale,
            Parameter.require(parameters, loraA()).values().clone(),
            Parameter.require(parameters, loraB()).values().clone());
    return kernel.isEmpty()
        ? pair
        : pair.withKernel(kernel.stream().map(Integer::longValue).toList());
  }

  private void requireFit(LoraPair pair) {
    if (pair.in() != in || pair.out() != out) {
      throw new IllegalArgumentException(
          "LoRA module '%s': expected A [r, %d] and B [%d, r], found A [%d, %d] and B [%d, %d]; is it for another checkpoint?"
              .formatted(name, in, out, pair.rank(), pair.in(), pair.out(), pair.rank()));
    }
  }
}
