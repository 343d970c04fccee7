package io.github.tpdiff.lora.data;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Videos, pictures and captions of a data set: a folder, in which each has a {@code .txt} of the
 * same name or is named in a {@code metadata.csv} or {@code metadata.jsonl}; or a list: a {@code
 * .jsonl} with an object a line, a {@code .json} with an array of objects, or a {@code .csv} with a
 * header. Lists name each video (relative to the list) and its caption; see {@link ListFields} for
 * what the fields may be called.
 *
 * @param videos in order of name or line
 * @param notes lines on what was found and not taken
 */
public record SourceList(List<SourceVideo> videos, List<String> notes) {
  public SourceList {
    videos = List.copyOf(videos);
    notes = List.copyOf(notes);
  }

  /**
   * Reads a folder or list.
   *
   * @throws CheckpointException if there is nothing there or a line cannot be read, naming it
   */
  public static SourceList read(Path source) {
    if (!Files.exists(source)) {
      throw new CheckpointException(
          "%s: expected a folder of videos or pictures, a .jsonl, .json or .csv list, found %s"
              .formatted(
                  source,
                  Files.isSymbolicLink(source) ? "a link that leads to nothing" : "nothing"));
    }
    try {
      SourceList list = readThere(source);
      if (list.videos().isEmpty()) {
        throw new CheckpointException(
            "%s: expected videos (%s) or pictures (%s), found none%s"
                .formatted(
                    source,
                    String.join(", ", SourceFolder.VIDEOS.stream().sorted().toList()),
                    String.join(", ", PictureFile.ENDINGS),
                    list.notes().stream().map(note -> "; " + note).reduce("", String::concat)));
      }
      return list;
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(source, failure), failure);
    }
  }

  private static SourceList readThere(Path source) throws IOException {
    if (Files.isDirectory(source)) {
      return SourceFolder.read(source);
    }
    return new SourceList(
        ListFile.read(source)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s: expected a folder of videos or pictures, a .jsonl, .json or .csv list"
                            .formatted(source))),
        List.of());
  }
}
