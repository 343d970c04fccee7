package io.github.tpdiff.evaluation.data;

import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.lora.data.SourceVideo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * A folder or list of videos and captions as jobs take it.
 *
 * @param origin the folder or list
 */
public record PlainFolder(Path origin) implements ClipSource {
  @Override
  public Map<String, String> rules() {
    return Map.of();
  }

  @Override
  public void read(Sink sink) throws IOException {
    for (SourceVideo video : SourceList.read(origin).videos()) {
      if (video.isPicture()) {
        sink.drop("video: expected one, found a picture");
      } else {
        sink.take(
            new Candidate(
                video.file().toAbsolutePath().normalize().toString(),
                video.caption().orElse(""),
                Map.of()));
      }
    }
  }
}
