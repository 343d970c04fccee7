package io.github.tpdiff.lora.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The batches of an epoch, all of whose clips have one size; what is left of a size when its
 * batches are full is a smaller batch.
 *
 * @param rows of the sizes, those with the most visits first
 * @param size of a batch, at most
 */
public record EpochBatches(List<Row> rows, int size) {
  /** Sizes that the table has, at most. */
  private static final int SHOWN = 20;

  /**
   * The batches of one size.
   *
   * @param clips of these sides and frames
   * @param visits of an epoch
   */
  public record Row(ClipSize clips, int visits) {}

  public EpochBatches {
    rows =
        rows.stream()
            .sorted(Comparator.comparingInt((Row row) -> row.visits()).reversed())
            .toList();
  }

  static EpochBatches of(EpochVisits<ClipSize> visits, int size) {
    return new EpochBatches(
        visits.byShape().entrySet().stream()
            .map(own -> new Row(own.getKey(), own.getValue()))
            .toList(),
        size);
  }

  /** Of all batches, the part that each size has. */
  public Map<ClipSize, Double> shares() {
    double all = rows.stream().mapToInt(this::batches).sum();
    var shares = new LinkedHashMap<ClipSize, Double>();
    rows.forEach(row -> shares.merge(row.clips(), batches(row) / all, Double::sum));
    return shares;
  }

  private int batches(Row row) {
    return (row.visits() + size - 1) / size;
  }

  private int left(Row row) {
    return row.visits() % size;
  }

  /** What users are to know before: nothing where every batch is full and of one size. */
  public List<String> table() {
    long smaller = rows.stream().filter(row -> left(row) > 0).count();
    if (rows.size() == 1 && smaller == 0) {
      return List.of();
    }
    var lines = new ArrayList<String>();
    for (Row row : rows.subList(0, Math.min(SHOWN, rows.size()))) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-16s %6d visits an epoch in %d batches%s",
              row.clips(),
              row.visits(),
              batches(row),
              left(row) == 0 ? "" : ", one of them of %d".formatted(left(row))));
    }
    if (rows.size() > SHOWN) {
      lines.add("%d more sizes".formatted(rows.size() - SHOWN));
    }
    lines.add(
        "batches of %d: %d an epoch, each of one size; %s"
            .formatted(
                size,
                rows.stream().mapToInt(this::batches).sum(),
                smaller == 0
                    ? "all are full"
                    : "%d of them smaller, for want of clips of their size; no clip is left out"
                        .formatted(smaller)));
    return lines;
  }
}
