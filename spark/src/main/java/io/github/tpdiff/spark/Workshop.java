package io.github.tpdiff.spark;

/** What an executor keeps open for its items: one at a time is made. */
interface Workshop extends AutoCloseable {
  /** What comes of an item. */
  String make(String item);

  @Override
  void close();
}
