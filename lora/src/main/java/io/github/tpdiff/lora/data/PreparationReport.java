package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.PreparedVideo.Drop;
import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What became of every video of a data set. */
public record PreparationReport(List<PreparedVideo> videos) {
  public PreparationReport {
    videos = List.copyOf(videos);
  }

  /** Clips there are. */
  public int clips() {
    return videos.stream().mapToInt(v -> v.clips().size()).sum();
  }

  /** A line for each video: what was kept, retimed, cut, or dropped and why. */
  public List<String> table() {
    var lines = new ArrayList<String>();
    for (PreparedVideo video : videos) {
      if (video.drop().isPresent()) {
        Drop drop = video.drop().get();
        lines.add("dropped  %s: %s".formatted(name(video.file()), drop.why()));
      }
      for (String clip : video.clips()) {
        lines.add(
            "%s  %s: %s"
                .formatted(video.cached() ? "cached " : "kept   ", name(video.file()), clip));
      }
    }
    lines.add(summary());
    return lines;
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  /** One line: how much was kept, and how much each rule dropped. */
  public String summary() {
    long kept = videos.stream().filter(v -> v.drop().isEmpty()).count();
    return "%d clips of %d of %d videos%s".formatted(clips(), kept, videos.size(), drops());
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
              .orElse("no video");
      throw new CheckpointException(
          "data: no clip is left: %s (the first: %s)".formatted(summary(), first));
    }
  }
}
