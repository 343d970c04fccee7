package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraKey.Part;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Puts the tensors of one LoKr together.
 *
 * @param target the module, for messages
 * @param parts the names of its tensors
 */
record KroneckerReader(TensorSource source, String target, Map<Part, String> parts) {
  /** A tensor of musubi-tuner's files, which scale factors in full as if they had a rank. */
  private static final String MUSUBI = "lokr_factor";

  /**
   * The change.
   *
   * @param alpha that the file says of it; the configuration's otherwise
   * @param own its name in the file
   */
  KroneckerPair read(OptionalDouble alpha, AdapterConfig config, String own) {
    KroneckerFactor w1 = factor(Part.W1, Part.W1_LEFT, Part.W1_RIGHT);
    KroneckerFactor w2 = factor(Part.W2, Part.W2_LEFT, Part.W2_RIGHT);
    if ((long) w1.rows() * w2.rows() > Integer.MAX_VALUE
        || (long) w1.columns() * w2.columns() > Integer.MAX_VALUE) {
      throw wrong("factors of a weight of at most 2^31 rows and columns", w1.rows() + " rows");
    }
    double larger = Math.max(w2.rows(), w2.columns());
    KroneckerPair pair =
        alpha.isEmpty()
            ? KroneckerPair.ofScale(w1, w2, config.scaleOfKronecker(own))
            : w1.isFull() && w2.isFull() && source.find(MUSUBI).isPresent()
                ? KroneckerPair.ofScale(w1, w2, alpha.getAsDouble() / larger)
                : KroneckerPair.ofAlpha(w1, w2, alpha.getAsDouble());
    List<Long> kernel =
        w2.isFull() ? info(Part.W2).shape().subList(2, info(Part.W2).shape().size()) : List.of();
    return kernel.isEmpty() ? pair : pair.withKernel(kernel);
  }

  private KroneckerFactor factor(Part full, Part left, Part right) {
    if (parts.containsKey(full)) {
      if (parts.containsKey(left) || parts.containsKey(right)) {
        throw wrong("a factor in full or as a product", parts.values());
      }
      List<Long> shape = info(full).shape();
      if (shape.size() < 2 || (full == Part.W1 && shape.size() > 2)) {
        throw wrong("a factor [rows, columns]", shape);
      }
      long rows = shape.get(0);
      return KroneckerFactor.full(
          Math.toIntExact(rows),
          rows == 0 ? 0 : Math.toIntExact(info(full).elementCount() / rows),
          source.floats(info(full).name()));
    }
    List<Long> a = info(left).shape();
    List<Long> b = info(right).shape();
    if (a.size() != 2 || b.size() != 2 || !a.get(1).equals(b.get(0)) || a.get(1) < 1) {
      throw wrong("a factor as a product of [rows, r] and [r, columns]", a + " and " + b);
    }
    return new KroneckerFactor(
        Math.toIntExact(a.get(0)),
        Math.toIntExact(b.get(1)),
        Math.toIntExact(a.get(1)),
        source.floats(info(left).name()),
        source.floats(info(right).name()));
  }

  private TensorInfo info(Part part) {
    String name = parts.get(part);
    if (name == null) {
      throw wrong("a tensor " + part, parts.values());
    }
    return source.require(name);
  }

  private CheckpointException wrong(String expected, Object found) {
    return new CheckpointException(
        "%s: module '%s': LoKr: expected %s, found %s"
            .formatted(source.origin(), target, expected, found));
  }
}
