package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.EpochVisits;
import io.github.tpdiff.lora.data.EpochVisits.Group;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which clips each batch holds: every group of clips as often in an epoch as {@link EpochVisits}
 * says, in an order that differs from epoch to epoch, clips of one shape in a batch. The last batch
 * of a shape may be smaller.
 *
 * <p>The visits of a group go through its clips again and again, each time in another order, from
 * one epoch to the next: whatever their number, no clip is visited twice more than another.
 */
final class BatchOrder {
  private final List<Group<LatentShape>> groups;
  private final Map<LatentShape, List<Integer>> groupsOfShape = new LinkedHashMap<>();
  private final int batchSize;
  private final Draws draws;
  private final int perEpoch;
  private long epoch = -1;
  private List<List<Integer>> batches = List.of();

  BatchOrder(EpochVisits<LatentShape> visits, int batchSize, Draws draws) {
    checkArgument(!visits.groups().isEmpty(), "data: expected at least one clip, found none");
    this.groups = visits.groups();
    for (int i = 0; i < groups.size(); i++) {
      groupsOfShape.computeIfAbsent(groups.get(i).shape(), s -> new ArrayList<>()).add(i);
    }
    this.batchSize = batchSize;
    this.draws = draws;
    this.perEpoch =
        visits.byShape().values().stream().mapToInt(v -> (v + batchSize - 1) / batchSize).sum();
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
    for (List<Integer> own : groupsOfShape.values()) {
      List<Integer> order = order(own, number);
      for (int i = 0; i < order.size(); i += batchSize) {
        cut.add(List.copyOf(order.subList(i, Math.min(i + batchSize, order.size()))));
      }
    }
    return shuffled(cut, draws.bits(Purpose.ORDER, number, -1));
  }

  /** The clips of one shape that an epoch visits. */
  private List<Integer> order(List<Integer> ofShape, long epoch) {
    var order = new ArrayList<Integer>();
    for (int group : ofShape) {
      visit(group, epoch, order);
    }
    return ofShape.size() == 1
        ? order
        : shuffled(order, draws.bits(Purpose.ORDER, epoch, ofShape.get(0), -1));
  }

  private void visit(int number, long epoch, List<Integer> order) {
    Group<LatentShape> group = groups.get(number);
    int clips = group.clips().size();
    long first = epoch * group.visits();
    List<Integer> pass = List.of();
    for (long visit = first; visit < first + group.visits(); visit++) {
      int place = (int) (visit % clips);
      if (pass.isEmpty() || place == 0) {
        pass = shuffled(group.clips(), draws.bits(Purpose.ORDER, visit / clips, number));
      }
      order.add(pass.get(place));
    }
  }

  private static <T> List<T> shuffled(List<T> items, long seed) {
    var order = new ArrayList<T>();
    for (int i : new TorchRandom(seed).randperm(items.size())) {
      order.add(items.get(i));
    }
    return List.copyOf(order);
  }
}
