package io.github.tpdiff.evaluation.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** A published data set: which videos it names, and which of them rules leave out. */
public interface ClipSource {
  /** Its file, or its folder. */
  Path origin();

  /** What was asked of it, by rule, as a manifest says it. */
  Map<String, String> rules();

  /**
   * Hands over every entry, in the order of the source.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it is not what it should be, naming the
   *     place
   */
  void read(Sink sink) throws IOException;

  /** Takes the entries of a source. */
  interface Sink {
    /** An entry that all rules let through. */
    void take(Candidate candidate) throws IOException;

    /**
     * An entry that is left out.
     *
     * @param rule the first that it does not keep
     */
    void drop(String rule);
  }

  /**
   * A video that a source names.
   *
   * @param video its file's path, below the folder of videos, as the source has it
   * @param caption what it shows
   * @param facts whatever else the source says of it
   */
  record Candidate(String video, String caption, Map<String, Object> facts) {
    public Candidate {
      facts = Map.copyOf(facts);
    }
  }
}
