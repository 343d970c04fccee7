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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    var tensors = MemoryTensors.builder();
    for (int i = 0; i < clips.size(); i++) {
      LatentShape s = clips.get(i).latents().shape();
      tensors.addFloats(
          CLIP + i,
          List.of(1L, (long) s.channels(), (long) s.frames(), (long) s.height(), (long) s.width()),
          clips.get(i).latents().data());
      CachedTensors.add(tensors, CONDITION + i + ".", clips.get(i).encoded().conditions());
      PreparedVideo.Clip made = clips.get(i).made();
      tensors.metadata(REPORT + i, made.report());
      tensors.metadata(SCALE + i, Double.toString(made.scale()));
    }
    SafetensorsWriter.write(file, tensors.build());
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
          metadata.getOrDefault(REPORT + clip, ""), Double.parseDouble(scale));
    } catch (NumberFormatException wrong) {
      throw new CheckpointException(
          "%s: %s%d: expected a number, found '%s'; delete the file"
              .formatted(file, SCALE, clip, scale),
          wrong);
    }
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
