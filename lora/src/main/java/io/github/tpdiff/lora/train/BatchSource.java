package io.github.tpdiff.lora.train;

/** The batches of a run by their number: a function of it, so that a resumed run gets the same. */
public interface BatchSource extends AutoCloseable {
  /**
   * A batch.
   *
   * @param index from 0, over all epochs
   */
  TrainingBatch batch(long index);

  /** How many batches show every clip once. */
  int batchesPerEpoch();

  @Override
  default void close() {}
}
