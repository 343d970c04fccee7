package io.github.tpdiff.spark;

import io.github.tpdiff.lora.data.Preparation.Source;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.runtime.model.RecordJson;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A video or picture that an executor is to encode.
 *
 * @param set number of its data set
 * @param file where all machines have it
 * @param caption that it came with
 * @param picture that it begins with, if there is one
 */
record FileItem(int set, String file, Optional<String> caption, Optional<String> picture) {
  private static final RecordJson<FileItem> JSON = RecordJson.handWritten(FileItem.class);

  static FileItem of(Source source) {
    SourceVideo video = source.video();
    return new FileItem(
        source.set(),
        video.file().toString(),
        video.caption(),
        video.picture().map(Path::toString));
  }

  Source source() {
    return new Source(new SourceVideo(Path.of(file), caption, picture.map(Path::of)), set);
  }

  String json() {
    return JSON.format(this);
  }

  static FileItem parse(String json) {
    return JSON.parse(json, "a file to prepare");
  }
}
