package io.github.tpdiff.lora.train;

import java.util.Map;

/** What a run trains on. */
public interface TrainingData {
  /** The number of stages that batches are of. */
  int stages();

  /** The share of the batches that are of each stage, by its number. */
  Map<Integer, Double> shares();

  /** What changes when the batches do, by name: a run goes on with the same only. */
  Map<String, String> identity();

  /** Begins to make batches; closed by the trainer. */
  BatchSource open(TrainingSettings settings);
}
