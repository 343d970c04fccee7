package io.github.tpdiff.weights.pickle;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;

/**
 * A view into a storage, as pickled: where the element of each index lies.
 *
 * @param offset of the first element, in elements
 * @param strides in elements, none negative
 */
record StoredTensor(
    Storage storage, DType dtype, long offset, List<Long> shape, List<Long> strides) {

  /** As many as PyTorch computes with; every element of a view costs as many steps. */
  private static final int MAX_RANK = 64;

  /** A record of elements, under the key it has in the file. */
  record Storage(String key, DType dtype, long elementCount) {

    long byteCount() {
      return elementCount * dtype.bytes();
    }
  }

  /**
   * A checked view.
   *
   * @throws PickleException when the view reaches beyond the storage or repeats it over 2 GiB
   */
  static StoredTensor of(
      Storage storage, DType dtype, long offset, List<Long> shape, List<Long> strides)
      throws PickleException {
    if (shape.size() != strides.size()) {
      throw new PickleException(
          "expected as many strides as dimensions, found %d and %d"
              .formatted(strides.size(), shape.size()));
    }
    if (shape.size() > MAX_RANK) {
      throw new PickleException(
          "expected at most %d dimensions, found %d".formatted(MAX_RANK, shape.size()));
    }
    if (offset < 0 || strides.stream().anyMatch(stride -> stride < 0)) {
      throw new PickleException(
          "expected no negative offset or strides, found %d and %s".formatted(offset, strides));
    }
    StoredTensor tensor = new StoredTensor(storage, dtype, offset, shape, strides);
    long count = tensor.info("in the pickle").elementCount();
    long available = storage.byteCount() / dtype.bytes();
    long end = tensor.end(count);
    if (end > available) {
      throw new PickleException(
          "storage '%s' has %d elements, but a tensor of shape %s reaches %d"
              .formatted(storage.key(), available, shape, end));
    }
    if (count > available && count > Integer.MAX_VALUE / dtype.bytes()) {
      throw new PickleException(
          "a tensor of shape %s repeats the %d elements of storage '%s' beyond 2 GiB"
              .formatted(shape, available, storage.key()));
    }
    return tensor;
  }

  TensorInfo info(String name) throws PickleException {
    try {
      return new TensorInfo(name, dtype, shape);
    } catch (CheckpointException invalid) {
      throw new PickleException(invalid.getMessage());
    }
  }

  /** One more than the largest index into the storage. */
  private long end(long count) throws PickleException {
    try {
      long last = offset;
      for (int i = 0; count > 0 && i < shape.size(); i++) {
        last = Math.addExact(last, Math.multiplyExact(shape.get(i) - 1, strides.get(i)));
      }
      return count > 0 ? Math.addExact(last, 1) : offset;
    } catch (ArithmeticException overflow) {
      throw new PickleException(
          "shape %s with strides %s exceeds 2^63 elements".formatted(shape, strides));
    }
  }

  /** Whether the elements lie one after the other, row-major. */
  boolean isContiguous() {
    long expected = 1;
    for (int i = shape.size() - 1; i >= 0; i--) {
      if (shape.get(i) == 0) {
        return true;
      }
      if (shape.get(i) != 1 && strides.get(i) != expected) {
        return shape.contains(0L);
      }
      expected *= shape.get(i);
    }
    return true;
  }

  /** Elements at equal distances in the storage: a part of the last dimension. */
  record Run(long index, long stride, long count) {}

  /** The run that begins with the element of that row-major number. */
  Run run(long element) {
    if (shape.isEmpty()) {
      return new Run(offset, 1, 1);
    }
    int last = shape.size() - 1;
    long inRow = element % shape.get(last);
    long rest = element / shape.get(last);
    long index = offset + inRow * strides.get(last);
    for (int i = last - 1; i >= 0; i--) {
      index += rest % shape.get(i) * strides.get(i);
      rest /= shape.get(i);
    }
    return new Run(index, strides.get(last), shape.get(last) - inRow);
  }
}
