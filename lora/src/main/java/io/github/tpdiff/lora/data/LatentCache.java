package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One video's clips as latents: {@code clip.0}, {@code clip.1}, … [1, C, F, H, W] with the line of
 * the report of each in the header.
 *
 * @param file of the cache, named by a hash of the video's content and of all that made the latents
 */
record LatentCache(Path file) {
  private static final String CLIP = "clip.";
  private static final String REPORT = "report.";
  private static final String SCALE = "scale.";
  private static final String FRAMES = "frames.";
  private static final String CONDITION = "condition.";

  /** A clip that was made. */
  record Clip(ClipEncoders.EncodedClip encoded, PreparedVideo.Clip made) {
    Latents latents() {
      return encoded.latents();
    }
  }

  /**
   * A clip that is there.
   *
   * @param number in the file
   * @param shape of its latents
   * @param made how
   */
  record Entry(int number, LatentShape shape, PreparedVideo.Clip made) {}

  void write(List<Clip> clips) {
    try (var writing = open()) {
      clips.forEach(writing::add);
      writing.commit();
    }
  }

  /** Begins to write the file. */
  Writing open() {
    return new Writing();
  }

  /**
   * The file as it is written, clip by clip: of several, each goes to a file of its own until all
   * are there, so that one is in memory however many there are.
   */
  final class Writing implements AutoCloseable {
    private final List<TensorInfo> tensors = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<Path> parts = new ArrayList<>();
    private Optional<MemoryTensors> last = Optional.empty();
    private int count;

    private Writing() {}

    /** Adds the next clip. */
    void add(Clip clip) {
      last.ifPresent(this::spill);
      last = Optional.of(tensors(count, clip));
      count++;
    }

    private void spill(MemoryTensors clip) {
      Path part = file.resolveSibling(file.getFileName() + ".part" + parts.size());
      parts.add(part);
      SafetensorsWriter.write(part, clip);
      tensors.addAll(clip.infos());
      metadata.putAll(clip.metadata());
    }

    /** Writes the file, unless there is no clip. */
    void commit() {
      if (parts.isEmpty()) {
        last.ifPresent(clip -> SafetensorsWriter.write(file, clip));
        return;
      }
      last.ifPresent(this::spill);
      try (var writer = SafetensorsWriter.create(file, tensors, metadata)) {
        for (Path part : parts) {
          try (TensorSource clip = SafetensorsFile.open(part)) {
            clip.names().forEach(name -> writer.copy(clip, name));
          }
        }
        writer.commit();
      }
    }

    @Override
    public void close() {
      for (Path part : parts) {
        try {
          Files.deleteIfExists(part);
        } catch (IOException failure) {
          throw new CheckpointException(
              "%s: cannot be deleted: %s".formatted(part, failure), failure);
        }
      }
    }
  }

  private static MemoryTensors tensors(int number, Clip clip) {
    var tensors = MemoryTensors.builder();
    LatentShape s = clip.latents().shape();
    tensors.addFloats(
        CLIP + number,
        List.of(1L, (long) s.channels(), (long) s.frames(), (long) s.height(), (long) s.width()),
        clip.latents().data());
    CachedTensors.add(tensors, CONDITION + number + ".", clip.encoded().conditions());
    PreparedVideo.Clip made = clip.made();
    tensors.metadata(REPORT + number, made.report());
    tensors.metadata(SCALE + number, Double.toString(made.scale()));
    made.frames()
        .ifPresent(
            span ->
                tensors.metadata(
                    FRAMES + number,
                    "%s %s %s %s"
                        .formatted(
                            span.first(), span.last(), span.startSeconds(), span.endSeconds())));
    return tensors.build();
  }

  /** What the file holds; empty if there is none. */
  Optional<List<Entry>> entries() {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try (TensorSource source = SafetensorsFile.open(file)) {
      var entries = new ArrayList<Entry>();
      for (int i = 0; source.find(CLIP + i).isPresent(); i++) {
        entries.add(new Entry(i, shape(source.require(CLIP + i)), made(i, source.metadata())));
      }
      return Optional.of(entries);
    }
  }

  private PreparedVideo.Clip made(int clip, Map<String, String> metadata) {
    String scale = metadata.getOrDefault(SCALE + clip, "");
    try {
      return new PreparedVideo.Clip(
          metadata.getOrDefault(REPORT + clip, ""),
          Double.parseDouble(scale),
          Optional.ofNullable(metadata.get(FRAMES + clip)).map(LatentCache::span));
    } catch (IllegalArgumentException wrong) {
      throw new CheckpointException(
          "%s: %s%d: expected a number, found '%s'; delete the file"
              .formatted(file, SCALE, clip, scale),
          wrong);
    }
  }

  private static PreparedVideo.Span span(String text) {
    String[] words = text.split(" ", -1);
    if (words.length != 4) {
      throw new IllegalArgumentException(FRAMES + ": expected four numbers, found " + text);
    }
    return new PreparedVideo.Span(
        Integer.parseInt(words[0]),
        Integer.parseInt(words[1]),
        Double.parseDouble(words[2]),
        Double.parseDouble(words[3]));
  }

  Latents latents(int number) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      return Latents.of(shape(source.require(CLIP + number)), source.floats(CLIP + number));
    }
  }

  /** The values that a clip's picture decides. */
  Map<String, Tensor> conditions(int number) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      return CachedTensors.read(source, CONDITION + number + ".");
    }
  }

  private LatentShape shape(TensorInfo info) {
    List<Long> shape = info.shape();
    if (shape.size() != 5) {
      throw new CheckpointException(
          "%s: tensor '%s': expected [1, C, F, H, W], found %s; delete the file"
              .formatted(file, info.name(), shape));
    }
    return new LatentShape(
        Math.toIntExact(shape.get(0)),
        Math.toIntExact(shape.get(1)),
        Math.toIntExact(shape.get(2)),
        Math.toIntExact(shape.get(3)),
        Math.toIntExact(shape.get(4)));
  }
}
