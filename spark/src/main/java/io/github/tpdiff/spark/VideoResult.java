package io.github.tpdiff.spark;

import io.github.tpdiff.runtime.model.RecordJson;
import java.util.Optional;

/**
 * A row of the table of results.
 *
 * @param id of the request
 * @param prompt of it
 * @param video file, relative to the table; none if the request was refused
 * @param sha256 of the file
 * @param made hash of all that decides the video: another has it made again
 * @param error why it was refused, in a line
 */
record VideoResult(
    String id,
    Optional<String> prompt,
    Optional<String> video,
    Optional<String> sha256,
    String made,
    Optional<String> error) {
  private static final RecordJson<VideoResult> JSON = RecordJson.handWritten(VideoResult.class);

  /** One line. */
  String json() {
    return JSON.format(this).replaceAll("\\R\\s*", "");
  }

  static VideoResult parse(String json, String origin) {
    return JSON.parse(json, origin);
  }
}
