package io.github.tpdiff.weights.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A file that holds a part of a checkpoint, by its name: {@code model-00001-of-00002.safetensors},
 * with a variant {@code model.fp16-00001-of-00002.safetensors} or {@code
 * model-00001-of-00002.fp16.safetensors}.
 *
 * @param head what stands before the number
 * @param number from 1, or from 0 in some tools' names, with leading zeros
 * @param count of all shards, at least 2, with leading zeros
 * @param tail what stands behind, from the dot on
 */
record Shard(Path file, String head, String number, String count, String tail) {

  /** More files than this are no checkpoint. */
  private static final int MAX_COUNT = 10_000;

  private static final Pattern NAME = Pattern.compile("(.+)-(\\d{1,6})-of-(\\d{1,6})(\\..+)");
  private static final Pattern VARIANT_BEFORE = Pattern.compile("(.+)\\.([A-Za-z0-9_]+)");
  private static final Pattern VARIANT_BEHIND = Pattern.compile("\\.([A-Za-z0-9_]+)(\\..+)");

  /** The shard that a file is, unless it is a whole checkpoint by its name. */
  static Optional<Shard> of(Path file) {
    Matcher matcher = NAME.matcher(String.valueOf(file.getFileName()));
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int number = Integer.parseInt(matcher.group(2));
    int count = Integer.parseInt(matcher.group(3));
    return count > 1 && count <= MAX_COUNT && number <= count
        ? Optional.of(
            new Shard(file, matcher.group(1), matcher.group(2), matcher.group(3), matcher.group(4)))
        : Optional.empty();
  }

  /** The name of the checkpoint if it were one file. */
  String wholeName() {
    return head + tail;
  }

  /** Names that an index of these shards may have. */
  List<String> indexNames() {
    List<String> names = new ArrayList<>(List.of(head + tail + ".index.json"));
    Matcher before = VARIANT_BEFORE.matcher(head);
    if (before.matches()) {
      names.add("%s%s.index.%s.json".formatted(before.group(1), tail, before.group(2)));
    }
    Matcher behind = VARIANT_BEHIND.matcher(tail);
    if (behind.matches()) {
      names.add("%s%s.index.%s.json".formatted(head, behind.group(2), behind.group(1)));
    }
    return names;
  }

  /** All shards of the checkpoint, whether they are there or not. */
  List<Path> all() {
    int total = Integer.parseInt(count);
    int first = Files.exists(sibling(0)) ? 0 : 1;
    return IntStream.range(first, first + total).mapToObj(this::sibling).toList();
  }

  private Path sibling(int place) {
    String digits = "%0" + number.length() + "d";
    return file.resolveSibling(head + "-" + digits.formatted(place) + "-of-" + count + tail);
  }
}
