package io.github.tpdiff.evaluation.data;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.common.hash.HashCode;
import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import io.github.tpdiff.evaluation.data.ClipSource.Candidate;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A list of clips to be written: JSON lines that a job takes as {@code data.path}, with whatever
 * the source says of each clip and a hash of its file, and beside it a manifest of where it came
 * from, what was asked, and what each rule left out.
 *
 * @param file to write, which ends in .jsonl
 * @param videos folder of the files that the source names
 * @param most clips that are taken, the first ones; all if there is no limit
 * @param hashed whether files are read for their hashes
 */
public record ClipList(Path file, Path videos, Optional<Integer> most, boolean hashed) {
  private static final String ENDING = ".jsonl";

  /** Clips whose files are hashed beside each other, and whose lines are in memory. */
  private static final int TOGETHER = 256;

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * @throws IllegalArgumentException if the name is not that of a list
   */
  public ClipList {
    if (!file.toString().endsWith(ENDING)) {
      throw new IllegalArgumentException(file + ": expected a name ending in " + ENDING);
    }
  }

  /** The manifest's file. */
  public Path manifest() {
    String name = file.getFileName().toString();
    return file.resolveSibling(name.replace(ENDING, ".manifest.json"));
  }

  /** Is told how many clips are taken. */
  @FunctionalInterface
  public interface Listener {
    void taken(int clips);
  }

  /**
   * Writes list and manifest.
   *
   * @return what came of the source
   * @throws CheckpointException if the source is not what it should be, or no clip is left
   */
  public Selection write(ClipSource source, Listener listener) throws IOException {
    Selection selection;
    try (AtomicFile list = AtomicFile.create(file)) {
      Path part = list.handOver();
      try (BufferedWriter lines = Files.newBufferedWriter(part, StandardCharsets.UTF_8)) {
        var writing = new Writing(lines, listener);
        source.read(writing);
        writing.flush();
        selection = new Selection(writing.read, writing.dropped, writing.kept);
      }
      if (selection.kept() == 0) {
        throw new CheckpointException(
            "%s: expected clips, found none of %d that every rule keeps: %s"
                .formatted(source.origin(), selection.read(), selection.dropped()));
      }
      AtomicFile.write(manifest(), manifest(source, selection, part));
      list.commit();
    }
    return selection;
  }

  private byte[] manifest(ClipSource source, Selection selection, Path list) throws IOException {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("source", source.origin().toAbsolutePath().normalize().toString());
    if (Files.isRegularFile(source.origin())) {
      fields.put("source_sha256", sha256(source.origin()).toString());
    }
    fields.put("videos", videos.toAbsolutePath().normalize().toString());
    fields.put("rules", source.rules());
    fields.put("read", selection.read());
    fields.put("dropped", selection.dropped());
    fields.put("kept", selection.kept());
    fields.put("list", file.getFileName().toString());
    fields.put("list_sha256", sha256(list).toString());
    return (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(fields) + "\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static HashCode sha256(Path path) throws IOException {
    return MoreFiles.asByteSource(path).hash(Hashing.sha256());
  }

  /** The list as it is written. */
  private final class Writing implements ClipSource.Sink {
    private final BufferedWriter lines;
    private final Listener listener;
    private final Map<String, Integer> dropped = new LinkedHashMap<>();
    private final Set<String> names = new HashSet<>();
    private final List<Map<String, Object>> waiting = new ArrayList<>();
    private int read;
    private int kept;

    Writing(BufferedWriter lines, Listener listener) {
      this.lines = lines;
      this.listener = listener;
    }

    @Override
    public void drop(String rule) {
      read++;
      dropped.merge(rule, 1, Integer::sum);
    }

    @Override
    public void take(Candidate candidate) throws IOException {
      Optional<Path> video = path(candidate.video());
      if (!names.add(candidate.video())) {
        drop("video: expected each once");
      } else if (video.isEmpty()) {
        drop("video: expected a path below the folder of videos");
      } else if (!Files.isRegularFile(video.get())) {
        drop("video: expected its file, found none");
      } else if (most.isPresent() && kept + waiting.size() >= most.get()) {
        drop("clips: expected at most " + most.get());
      } else {
        read++;
        waiting.add(line(candidate, video.get()));
        if (waiting.size() == TOGETHER) {
          flush();
        }
      }
    }

    private Map<String, Object> line(Candidate candidate, Path video) {
      var line = new LinkedHashMap<String, Object>();
      line.put("video", relative(video).toString());
      line.put("caption", candidate.caption());
      candidate.facts().entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .forEach(fact -> line.put(fact.getKey(), fact.getValue()));
      return line;
    }

    void flush() throws IOException {
      if (hashed) {
        waiting.parallelStream()
            .forEach(
                line -> {
                  Path video = file.resolveSibling(String.valueOf(line.get("video")));
                  try {
                    line.put("sha256", sha256(video).toString());
                  } catch (IOException failure) {
                    throw new UncheckedIOException(failure);
                  }
                });
      }
      for (Map<String, Object> line : waiting) {
        lines.write(JSON.writeValueAsString(line));
        lines.write('\n');
      }
      kept += waiting.size();
      waiting.clear();
      listener.taken(kept);
    }
  }

  /** A source's path below the folder of videos; empty if it leads elsewhere. */
  private Optional<Path> path(String name) {
    try {
      Path folder = videos.toAbsolutePath().normalize();
      Path path = folder.resolve(name).normalize();
      return Optional.of(path).filter(p -> p.startsWith(folder) && !p.equals(folder));
    } catch (InvalidPathException impossible) {
      return Optional.empty();
    }
  }

  /** As the list names it: relative to itself where the video lies below, else absolute. */
  private Path relative(Path video) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    return folder != null && video.startsWith(folder) ? folder.relativize(video) : video;
  }
}
