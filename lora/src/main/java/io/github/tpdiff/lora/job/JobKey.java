package io.github.tpdiff.lora.job;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A key of a job file, as the reader of jobs itself describes it: what is read, what is known, and
 * what pages and commands say about it come from the same call.
 *
 * @param path its section and name, such as {@code train.steps}; a section's own name alone
 * @param type how a value is written, in words
 * @param otherwise what stands where the key is left out
 * @param meaning a sentence or two
 */
public record JobKey(String path, String type, Otherwise otherwise, String meaning) {

  /** What stands where a key is left out. */
  public sealed interface Otherwise {
    /**
     * One value for every job.
     *
     * @param written as in a job file
     */
    record Value(String written) implements Otherwise {}

    /**
     * Decided by other keys or the checkpoint.
     *
     * @param words how
     */
    record Computed(String words) implements Otherwise {}

    /** Nothing: the key must be there. */
    record Required() implements Otherwise {}

    /** The defaults of its keys: it is a section. */
    record Section() implements Otherwise {}
  }

  /** Every key that a job may have, a section before its keys, in the order of the page. */
  public static List<JobKey> all() {
    var keys = new ArrayList<JobKey>();
    // What only some jobs were asked for would be refused as unknown in all the others: the
    // reader asks for every key, whatever the others say.
    TrainingJobReader.read(Path.of("job.yaml"), JobSection.smallest(keys::add));
    return List.copyOf(keys);
  }

  boolean isIn(String section) {
    return path.startsWith(section + ".");
  }

  String name() {
    return path.substring(path.lastIndexOf('.') + 1);
  }
}
