package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.PreparedVideo.Drop;
import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What became of every video and picture of a data set.
 *
 * @param videos of it, and pictures
 * @param notes lines on what was not taken of the data
 */
public record PreparationReport(List<PreparedVideo> videos, List<String> notes) {
  /** Lines that the table has of a kind, at most: there may be ten thousand clips. */
  private static final int EXAMPLES = 10;

  /** Name of the file with a line for every clip. */
  private static final String LIST = "clips.txt";

  public PreparationReport {
    videos = List.copyOf(videos);
    notes = List.copyOf(notes);
  }

  /** A line of the list, and the kind it is of. */
  private record Line(String kind, String text) {}

  /** Clips there are. */
  public int clips() {
    return videos.stream().mapToInt(v -> v.clips().size()).sum();
  }

  /**
   * A line for every clip and everything dropped.
   *
   * @param name of a file in them
   */
  private List<Line> lines(Function<Path, String> name) {
    var lines = new ArrayList<Line>();
    for (PreparedVideo video : videos) {
      if (video.drop().isPresent()) {
        Drop drop = video.drop().get();
        lines.add(
            new Line(
                "dropped as " + drop.rule().words(),
                "dropped  %s: %s".formatted(name.apply(video.file()), drop.why())));
      }
      String kind = video.cached() ? "cached" : "kept";
      for (PreparedVideo.Clip clip : video.clips()) {
        lines.add(
            new Line(
                kind, "%-7s  %s: %s".formatted(kind, name.apply(video.file()), clip.report())));
      }
    }
    return lines;
  }

  /**
   * What was kept, retimed, cut, or dropped and why, with some examples of each; then the notes and
   * the summary.
   */
  public List<String> table() {
    Map<String, Integer> counts = counts();
    var shown = new HashMap<String, Integer>();
    var table = new ArrayList<String>();
    for (Line line : lines(PreparationReport::name)) {
      if (shown.merge(line.kind(), 1, Integer::sum) <= EXAMPLES) {
        table.add(line.text());
      }
    }
    counts.forEach(
        (kind, count) -> {
          if (count > EXAMPLES) {
            table.add("%d more %s".formatted(count - EXAMPLES, kind));
          }
        });
    table.addAll(notes);
    enlarged().ifPresent(table::add);
    table.add(summary());
    return table;
  }

  private Map<String, Integer> counts() {
    var counts = new LinkedHashMap<String, Integer>();
    lines(PreparationReport::name).forEach(line -> counts.merge(line.kind(), 1, Integer::sum));
    return counts;
  }

  /**
   * Writes a line for every clip and dropped file, with its whole path, where the table has not all
   * of them.
   *
   * @return the file
   */
  public Optional<Path> writeList(Path folder) {
    if (counts().values().stream().allMatch(count -> count <= EXAMPLES)) {
      return Optional.empty();
    }
    Path file = folder.resolve(LIST);
    String text =
        lines(Path::toString).stream()
            .map(line -> line.text() + "\n")
            .collect(Collectors.joining());
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
    return Optional.of(file);
  }

  private Optional<String> enlarged() {
    long count = clipsOf().filter(PreparedVideo.Clip::isEnlarged).count();
    return count == 0
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "enlarged clips: %d of %d, at most %.1f times; choose smaller data.sizes, or larger"
                    + " videos",
                count,
                clips(),
                clipsOf().mapToDouble(PreparedVideo.Clip::scale).max().orElseThrow()));
  }

  private Stream<PreparedVideo.Clip> clipsOf() {
    return videos.stream().flatMap(video -> video.clips().stream());
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  /**
   * The same without the videos and pictures that are held out, see {@link CachedSet#split}.
   *
   * @throws IllegalArgumentException if nothing would be left to train on
   */
  public PreparationReport training(double validation) {
    Map<String, String> latents = new LinkedHashMap<>();
    videos.forEach(
        v -> v.content().ifPresent(own -> latents.putIfAbsent(own.sha256(), own.latents())));
    Set<String> held = HeldOut.of(latents, validation);
    return new PreparationReport(
        videos.stream()
            .filter(v -> v.content().filter(own -> held.contains(own.sha256())).isEmpty())
            .toList(),
        notes);
  }

  /**
   * What batches of so many clips an epoch would have.
   *
   * @param size of a batch
   * @param shares of the data sets
   */
  public EpochBatches batches(int size, List<SetShare> shares) {
    var sizes = new ArrayList<ClipSize>();
    var sets = new ArrayList<Integer>();
    for (PreparedVideo video : videos) {
      for (PreparedVideo.Clip clip : video.clips()) {
        sizes.add(clip.size());
        sets.add(video.set());
      }
    }
    return EpochBatches.of(EpochVisits.of(sizes, sets, shares), size);
  }

  /** One line: how much was kept, and how much each rule dropped. */
  public String summary() {
    long pictures = videos.stream().filter(PreparedVideo::isPicture).count();
    List<PreparedVideo> kept = videos.stream().filter(v -> v.drop().isEmpty()).toList();
    long keptPictures = kept.stream().filter(PreparedVideo::isPicture).count();
    return "%d clips of %s%s%s%s"
        .formatted(
            clips(),
            pictures == videos.size()
                ? ""
                : "%d of %d videos".formatted(kept.size() - keptPictures, videos.size() - pictures),
            pictures == 0 || pictures == videos.size() ? "" : " and ",
            pictures == 0 ? "" : "%d of %d pictures".formatted(keptPictures, pictures),
            drops());
  }

  private String drops() {
    Map<Rule, Integer> counts = new EnumMap<>(Rule.class);
    videos.forEach(v -> v.drop().ifPresent(d -> counts.merge(d.rule(), 1, Integer::sum)));
    if (counts.isEmpty()) {
      return "";
    }
    var parts = new ArrayList<String>();
    counts.forEach((rule, count) -> parts.add(count + " " + rule.words()));
    return "; dropped: " + String.join(", ", parts);
  }

  void requireClips() {
    if (clips() == 0) {
      String first =
          videos.stream()
              .flatMap(v -> v.drop().stream().map(d -> name(v.file()) + ": " + d.why()))
              .findFirst()
              .orElse("no video or picture");
      throw new CheckpointException(
          "data: no clip is left: %s (the first: %s)".formatted(summary(), first));
    }
  }
}
