package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which clips each batch holds: every clip once an epoch, in an order that differs from epoch to
 * epoch, clips of one shape in a batch. The last batch of a shape may be smaller.
 */
final class BatchOrder {
  private final Map<LatentShape, List<Integer>> byShape = new LinkedHashMap<>();
  private final int batchSize;
  private final Draws draws;
  private final int perEpoch;
  private long epoch = -1;
  private List<List<Integer>> batches = List.of();

  BatchOrder(List<LatentShape> shapes, int batchSize, Draws draws) {
    checkArgument(!shapes.isEmpty(), "data: expected at least one clip, found none");
    for (int i = 0; i < shapes.size(); i++) {
      byShape.computeIfAbsent(shapes.get(i), s -> new ArrayList<>()).add(i);
    }
    this.batchSize = batchSize;
    this.draws = draws;
    this.perEpoch =
        byShape.values().stream().mapToInt(c -> (c.size() + batchSize - 1) / batchSize).sum();
  }

  int batchesPerEpoch() {
    return perEpoch;
  }

  /** The clips of batch number {@code index}, counted over all epochs. */
  List<Integer> batch(long index) {
    long wanted = index / perEpoch;
    if (wanted != epoch) {
      batches = epoch(wanted);
      epoch = wanted;
    }
    return batches.get((int) (index % perEpoch));
  }

  private List<List<Integer>> epoch(long number) {
    var cut = new ArrayList<List<Integer>>();
    int shape = 0;
    for (List<Integer> clips : byShape.values()) {
      List<Integer> order = shuffled(clips, draws.bits(Purpose.ORDER, number, shape++));
      for (int i = 0; i < order.size(); i += batchSize) {
        cut.add(List.copyOf(order.subList(i, Math.min(i + batchSize, order.size()))));
      }
    }
    return shuffled(cut, draws.bits(Purpose.ORDER, number, -1));
  }

  private static <T> List<T> shuffled(List<T> items, long seed) {
    var order = new ArrayList<T>();
    for (int i : new TorchRandom(seed).randperm(items.size())) {
      order.add(items.get(i));
    }
    return List.copyOf(order);
  }
}
