package io.github.tpdiff.evaluation.metric;

import com.google.common.hash.Hashing;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Rows of numbers by what they were made of: a file for each video's bytes and each extractor.
 *
 * @param folder in which they lie; it may be deleted at any time
 */
public record FeatureCache(Path folder) {
  private static final String ROWS = "rows";
  private static final String IDENTITY = "identity";

  /** What is there; a file that cannot be read counts as none. */
  Optional<FeatureRows> find(String video, FeatureExtractor extractor) {
    Path file = file(video, extractor);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try (TensorSource source = SafetensorsFile.open(file)) {
      TensorInfo info = source.require(ROWS);
      boolean isOwn = extractor.identity().equals(source.metadata().get(IDENTITY));
      return isOwn && info.shape().size() == 2 && info.shape().get(1) > 0
          ? Optional.of(new FeatureRows(source.floats(ROWS), Math.toIntExact(info.shape().get(1))))
          : Optional.empty();
    } catch (CheckpointException damaged) {
      return Optional.empty();
    }
  }

  void keep(String video, FeatureExtractor extractor, FeatureRows rows) {
    SafetensorsWriter.write(
        file(video, extractor),
        MemoryTensors.builder()
            .addFloats(ROWS, List.of((long) rows.rows(), (long) rows.width()), rows.values())
            .metadata(IDENTITY, extractor.identity())
            .build());
  }

  private Path file(String video, FeatureExtractor extractor) {
    String made =
        Hashing.sha256().hashString(extractor.identity(), StandardCharsets.UTF_8).toString();
    return folder
        .resolve(video.substring(0, 2))
        .resolve("%s-%s.safetensors".formatted(video, made.substring(0, 16)));
  }
}
