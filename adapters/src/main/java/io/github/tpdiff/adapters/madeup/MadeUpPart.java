package io.github.tpdiff.adapters.madeup;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A component of a {@link MadeUpCheckpoint}.
 *
 * @param folder in diffusers' layout, such as {@code vae}
 * @param file of the weights, without {@code .safetensors}
 * @param programs that together use every tensor of the component
 * @param config fields of {@code config.json}
 * @param values of tensors that are not to be random
 */
public record MadeUpPart(
    String folder,
    String file,
    Supplier<List<Program>> programs,
    Map<String, ?> config,
    Values values) {
  /** What diffusers calls its files of weights; transformers calls them {@code model}. */
  public static final String DIFFUSERS_FILE = "diffusion_pytorch_model";

  /** Chosen values of tensors. */
  @FunctionalInterface
  public interface Values {
    /** The values of a tensor, or nothing where they may be anything. */
    Optional<float[]> find(TensorInfo info);
  }

  /** Every tensor may be anything. */
  public static final Values RANDOM = info -> Optional.empty();

  /** Name, type and shape of every tensor. */
  public List<TensorInfo> tensors(DType dtype) {
    var shapes = new LinkedHashMap<String, Value>();
    programs.get().forEach(program -> program.weights().forEach(shapes::putIfAbsent));
    return shapes.entrySet().stream()
        .map(e -> new TensorInfo(e.getKey(), dtype, extents(e.getValue())))
        .toList();
  }

  private static List<Long> extents(Value weight) {
    return Arrays.stream(weight.shape().evaluate(Map.of())).boxed().toList();
  }
}
