package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.DataManifest;
import io.github.tpdiff.lora.train.SnapshotWriter;
import io.github.tpdiff.lora.train.TrainingSnapshot;
import io.github.tpdiff.weights.AtomicFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Leaves the job in the output folder as it was decided, so that it can be read and run again, and
 * beside it as it was written, and what is trained on.
 *
 * @param job with everything said
 * @param written as its file was read
 * @param data that is trained on
 * @param results written beside each state
 */
record JobRecord(TrainingJob job, String written, DataManifest data, SnapshotWriter results)
    implements SnapshotWriter {
  private static final String FILE = "job.yaml";
  private static final String AS_WRITTEN = "job.original.yaml";

  @Override
  public void begin(Path folder) {
    data.write(folder);
    Path file = folder.resolve(FILE);
    // A job that lies in its own output folder is the user's, and is the record already.
    if (!absolute(file).equals(absolute(job.file()))) {
      String text = "# The job as it ran, every default said.\n" + JobSettings.of(job).yaml();
      AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
      AtomicFile.write(folder.resolve(AS_WRITTEN), written.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static Path absolute(Path path) {
    return path.toAbsolutePath().normalize();
  }

  @Override
  public void write(Path folder, TrainingSnapshot snapshot) {
    results.write(folder, snapshot);
  }
}
