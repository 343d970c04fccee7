package io.github.tpdiff.cli.doctor;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NativeFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * Folders into which libraries unpack their native code.
 *
 * @param needs what each takes
 * @param free bytes at a folder
 */
record FolderCheck(List<Need> needs, ToLongFunction<NativeFolder> free) implements Check {
  /**
   * What a folder takes.
   *
   * @param subject in a word
   * @param folder where
   * @param bytes that are unpacked into it
   * @param unpacked a folder in it that is there once that has been done; empty if every run does
   */
  record Need(String subject, NativeFolder folder, long bytes, String unpacked) {
    /** Bytes that it still takes. */
    private long missing() {
      return !unpacked.isEmpty() && folder.folder().resolve(unpacked).toFile().isDirectory()
          ? 0
          : bytes;
    }
  }

  FolderCheck {
    needs = List.copyOf(needs);
  }

  /** Those of the libraries that come with the command. */
  static FolderCheck here() {
    return new FolderCheck(
        List.of(
            new Need("torch files", NativeFolder.djl(), 440L << 20, "pytorch"),
            new Need("ffmpeg files", NativeFolder.ffmpeg(), 130L << 20, "ffmpeg"),
            new Need("temp folder", NativeFolder.temporary(), 64L << 20, "")),
        NativeFolder::freeBytes);
  }

  @Override
  public List<Finding> findings() {
    var found = new ArrayList<Finding>();
    for (Need need : needs) {
      found.add(find(need));
    }
    return found;
  }

  private Finding find(Need need) {
    try {
      need.folder().require();
      long bytes = free.applyAsLong(need.folder());
      return bytes < need.missing()
          ? Finding.fault(
              need.subject(),
              need.folder()
                  .unusable(
                      "expected %d MB free, found %d".formatted(need.missing() >> 20, bytes >> 20),
                      null)
                  .getMessage())
          : Finding.ok(
              need.subject(), "%s, %d MB free".formatted(need.folder().folder(), bytes >> 20));
    } catch (CheckpointException unusable) {
      return Finding.fault(need.subject(), unusable.getMessage());
    }
  }
}
