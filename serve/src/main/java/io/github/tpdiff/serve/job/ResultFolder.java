package io.github.tpdiff.serve.job;

import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.runtime.media.ContactSheet;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where results lie: a folder for each job, beside the database. One server has it at a time.
 *
 * <p>A job's folder has its pictures, and when it is completed its video, a thumbnail and a sheet
 * of frames.
 */
public final class ResultFolder implements AutoCloseable {
  private static final int SHEET_COLUMNS = 8;
  private static final int SHEET_WIDTH = 2048;

  private final Path folder;
  private final FolderLock lock;

  /** What a completed job has. */
  public enum Variant {
    VIDEO("video.mp4", "video/mp4"),
    THUMBNAIL("thumbnail.png", "image/png"),
    SPRITESHEET("spritesheet.png", "image/png");

    private final String file;
    private final String mediaType;

    Variant(String file, String mediaType) {
      this.file = file;
      this.mediaType = mediaType;
    }

    public String file() {
      return file;
    }

    public String mediaType() {
      return mediaType;
    }
  }

  private ResultFolder(Path folder, FolderLock lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * Takes a folder, which is made if it is not there.
   *
   * @throws CheckpointException if another server has it, or it cannot be written
   */
  public static ResultFolder open(Path folder) {
    return new ResultFolder(
        folder.toAbsolutePath().normalize(), FolderLock.of(folder, "server", "results folder"));
  }

  public Path path() {
    return folder;
  }

  /** The file of the database. */
  public Path database() {
    return folder.resolve("jobs.sqlite");
  }

  /** The folder of a job. */
  private Path of(String id) {
    if (!JobId.isOne(id)) {
      throw new IllegalArgumentException("not the name of a job: " + id);
    }
    return folder.resolve(id);
  }

  /** A file of a completed job. */
  public Path file(String id, Variant variant) {
    return of(id).resolve(variant.file());
  }

  /**
   * Keeps a picture of a job.
   *
   * @param name of its file
   * @throws CheckpointException if it cannot be written
   */
  public Path keep(String id, String name, byte[] picture) {
    Path file = of(id).resolve(name);
    AtomicFile.write(file, picture);
    return file;
  }

  /**
   * Writes the files of a job that is done.
   *
   * @throws IOException if one cannot be written
   */
  public void write(String id, GeneratedVideo video, int frames) throws IOException {
    var row = new ContactSheet.Row(SHEET_COLUMNS, frames);
    var isFirst = new AtomicBoolean(true);
    VideoWriter.write(
        file(id, Variant.VIDEO),
        video,
        frame -> {
          if (isFirst.getAndSet(false)) {
            PngWriter.write(file(id, Variant.THUMBNAIL), frame);
          }
          row.pass(frame);
        });
    row.sheetWithin(SHEET_WIDTH).write(file(id, Variant.SPRITESHEET));
  }

  /** Deletes what a job has. */
  public void delete(String id) {
    Path own = of(id);
    try (Stream<Path> files = Files.isDirectory(own) ? Files.list(own) : Stream.empty()) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(own);
    } catch (IOException failure) {
      throw new UncheckedIOException("%s: cannot be deleted".formatted(own), failure);
    }
  }

  /** The jobs that have a folder. */
  public Set<String> jobs() {
    try (Stream<Path> files = Files.list(folder)) {
      return Set.copyOf(
          files.map(file -> file.getFileName().toString()).filter(JobId::isOne).toList());
    } catch (IOException failure) {
      throw new UncheckedIOException("%s: cannot be listed".formatted(folder), failure);
    }
  }

  /** A text for clients, without where this machine keeps things. */
  public String withoutPaths(String text) {
    return text.replaceAll(Pattern.quote(folder.toString()) + "/video_[0-9a-f]{32}/", "");
  }

  @Override
  public void close() {
    lock.close();
  }
}
