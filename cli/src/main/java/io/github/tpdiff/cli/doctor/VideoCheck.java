package io.github.tpdiff.cli.doctor;

import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes a small video and reads it back. */
record VideoCheck() implements Check {
  private static final String SUBJECT = "ffmpeg";
  private static final int FRAMES = 3;
  private static final int SIDE = 64;

  @Override
  public List<Finding> findings() {
    try {
      Path file = Files.createTempFile("tpdiff-doctor", ".mp4");
      try {
        float[] grey = new float[3 * FRAMES * SIDE * SIDE];
        VideoWriter.write(file, new VideoClip(grey, FRAMES, SIDE, SIDE, 8));
        int frames = VideoReader.readAll(file).frames();
        return List.of(
            frames == FRAMES
                ? Finding.ok(SUBJECT, "writes and reads an mp4")
                : Finding.fault(
                    SUBJECT,
                    "an mp4 of %d frames: expected as many read back, found %d"
                        .formatted(FRAMES, frames)));
      } finally {
        Files.delete(file);
      }
    } catch (IOException | RuntimeException | LinkageError broken) {
      return List.of(Finding.fault(SUBJECT, DoctorCommand.reason(broken)));
    }
  }
}
