package io.github.tpdiff.spark;

import io.github.tpdiff.lora.train.GradientSource;
import io.github.tpdiff.spark.ring.Ring;
import io.github.tpdiff.spark.ring.RingException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The mean over the batches of a step of which each rank of a ring makes its share: rank r those at
 * places r, r + N, r + 2 N and so on. All ranks come to the same bits, and stop together.
 *
 * @param ring that this rank is in
 * @param local gradients of a batch
 */
record RingGradients(Ring ring, GradientSource local) implements GradientSource {
  private static final int LOSS_BYTES = Integer.BYTES + Double.BYTES;

  @Override
  public Optional<StepGradients> mean(StepBatches step) {
    int ranks = ring.count();
    int share = step.count() / ranks;
    if (share * ranks != step.count()) {
      throw new IllegalArgumentException(
          "train.gradient_accumulation: expected a multiple of %d ranks, found %d"
              .formatted(ranks, step.count()));
    }
    var own =
        new StepBatches(
            share, i -> step.batches().apply(i * ranks + ring.rank()), step.stopAsked());
    Optional<StepGradients> found = local.mean(own);
    List<byte[]> told = ring.gather(words(found, share));
    if (told.stream().anyMatch(words -> words[0] == 0)) {
      return Optional.empty();
    }
    Map<String, float[]> gradients = found.orElseThrow().gradients();
    float[] all = joined(gradients, 1f / ranks);
    ring.sum(all);
    return Optional.of(new StepGradients(losses(told, step.count()), split(all, gradients)));
  }

  /** Whether the rank goes on, and the stage and loss of each of its batches. */
  private static byte[] words(Optional<StepGradients> found, int share) {
    ByteBuffer words = ByteBuffer.allocate(1 + share * LOSS_BYTES);
    words.put((byte) (found.isPresent() ? 1 : 0));
    found.ifPresent(
        own -> own.batches().forEach(loss -> words.putInt(loss.stage()).putDouble(loss.loss())));
    return words.array();
  }

  private List<BatchLoss> losses(List<byte[]> told, int count) {
    int length = 1 + count / ring.count() * LOSS_BYTES;
    var losses = new ArrayList<BatchLoss>();
    for (int place = 0; place < count; place++) {
      byte[] words = told.get(place % ring.count());
      if (words.length != length) {
        throw new RingException(
            "ring: expected %d bytes of losses, found %d".formatted(length, words.length));
      }
      ByteBuffer at = ByteBuffer.wrap(words).position(1 + place / ring.count() * LOSS_BYTES);
      losses.add(new BatchLoss(at.getInt(), at.getDouble()));
    }
    return losses;
  }

  private static float[] joined(Map<String, float[]> gradients, float factor) {
    var all = new float[gradients.values().stream().mapToInt(own -> own.length).sum()];
    int at = 0;
    for (float[] own : gradients.values()) {
      for (float value : own) {
        all[at++] = factor * value;
      }
    }
    return all;
  }

  /** In place of the gradients that were joined. */
  private static Map<String, float[]> split(float[] all, Map<String, float[]> gradients) {
    var split = new LinkedHashMap<String, float[]>();
    int at = 0;
    for (Map.Entry<String, float[]> own : gradients.entrySet()) {
      System.arraycopy(all, at, own.getValue(), 0, own.getValue().length);
      at += own.getValue().length;
      split.put(own.getKey(), own.getValue());
    }
    return split;
  }
}
