package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Several LoRAs as one: products side by side, {@code [s₁B₁ s₂B₂] · [A₁; A₂]}, so that a layer is
 * changed once whatever their number; changes in full are added. Other changes of layers have no
 * such sum, see {@link #isPossible}.
 */
public final class LoraSum {
  private LoraSum() {}

  /**
   * A LoRA with a factor.
   *
   * @param weights of the same part of a pipeline as the others
   * @param factor on the whole; 1 as trained
   */
  public record Term(LoraWeights weights, double factor) {}

  /** Whether all change layers by low-rank products alone. */
  public static boolean isPossible(List<Term> terms) {
    return terms.stream()
        .allMatch(
            term -> term.weights().layers().values().stream().allMatch(LoraPair.class::isInstance));
  }

  /**
   * The sum, whose factor is 1; entries of headers that several have are those of the last.
   *
   * @throws CheckpointException if two change one layer or tensor in different shapes, or one is no
   *     low-rank product
   */
  public static LoraWeights of(List<Term> terms) {
    checkPossible(terms);
    Map<String, List<LoraPair>> pairs = new TreeMap<>();
    Map<String, FullChange> full = new TreeMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Term term : terms) {
      term.weights()
          .pairs()
          .forEach(
              (module, pair) ->
                  pairs
                      .computeIfAbsent(module, none -> new ArrayList<>())
                      .add(pair.times(term.factor())));
      term.weights()
          .full()
          .forEach(
              (tensor, change) ->
                  full.merge(tensor, change.times(term.factor()), FullChange::plus));
      metadata.putAll(term.weights().metadata());
    }
    Map<String, LayerChange> joined = new TreeMap<>();
    pairs.forEach((module, several) -> joined.put(module, join(module, several)));
    return new LoraWeights(terms.get(0).weights().component(), joined, full, metadata);
  }

  private static void checkPossible(List<Term> terms) {
    if (!isPossible(terms)) {
      throw new CheckpointException(
          "expected LoRAs to add up, found a DoRA or LoKr; merge one after the other");
    }
  }

  private static LoraPair join(String module, List<LoraPair> pairs) {
    LoraPair first = pairs.get(0);
    if (pairs.size() == 1) {
      return first;
    }
    int rank = pairs.stream().mapToInt(LoraPair::rank).sum();
    float[] a = new float[Math.multiplyExact(rank, first.in())];
    float[] b = new float[Math.multiplyExact(first.out(), rank)];
    int before = 0;
    for (LoraPair pair : pairs) {
      if (pair.in() != first.in()
          || pair.out() != first.out()
          || !pair.kernel().equals(first.kernel())) {
        throw new CheckpointException(
            "%s: expected LoRAs of one size, found [%d, %d] and [%d, %d]"
                .formatted(module, first.out(), first.in(), pair.out(), pair.in()));
      }
      System.arraycopy(pair.a(), 0, a, before * first.in(), pair.a().length);
      for (int row = 0; row < first.out(); row++) {
        for (int k = 0; k < pair.rank(); k++) {
          b[row * rank + before + k] = (float) (pair.scale() * pair.b()[row * pair.rank() + k]);
        }
      }
      before += pair.rank();
    }
    LoraPair joined = new LoraPair(rank, 1, a, b);
    return first.kernel().isEmpty() ? joined : joined.withKernel(first.kernel());
  }
}
