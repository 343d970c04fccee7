package io.github.tpdiff.weights.pickle;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.MappedFile;
import io.github.tpdiff.weights.Slices;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A file of {@code torch.save}, zip archive or the older plain layout, read without executing
 * anything.
 *
 * <p>Tensors are named by their path in the saved object, keys and list positions joined by {@code
 * /}. Contiguous tensors are mapped in place; views with other strides are gathered when asked for,
 * slice by slice.
 */
public final class TorchFile implements TensorSource {

  /** What every mapping of a file can hold in one piece. */
  private static final int MAX_SPAN = 1 << 30;

  private final MappedFile file;
  private final Map<String, StoredTensor> tensors;
  private final Map<String, TensorInfo> infos = new LinkedHashMap<>();
  private final Map<String, FileRegion> storages;

  private TorchFile(MappedFile file, TorchLayout.Content content) throws PickleException {
    this.file = file;
    this.tensors = content.tensors();
    this.storages = content.storages();
    for (Map.Entry<String, StoredTensor> tensor : tensors.entrySet()) {
      infos.put(tensor.getKey(), tensor.getValue().info(tensor.getKey()));
    }
  }

  /**
   * Opens a file.
   *
   * @throws CheckpointException when it is damaged, or names anything but constructors of tensors
   */
  public static TorchFile open(Path path) {
    return of(MappedFile.open(path));
  }

  /**
   * Reads an opened file, which this closes.
   *
   * @throws CheckpointException as {@link #open}
   */
  public static TorchFile of(MappedFile file) {
    try {
      return new TorchFile(file, TorchLayout.read(file));
    } catch (PickleException refused) {
      file.close();
      throw new CheckpointException(
          "%s: cannot be read as a torch file: %s".formatted(file.path(), refused.getMessage()),
          refused);
    } catch (RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(infos.keySet());
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(infos.get(name));
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Slices.check(this, require(name), offset, length);
    file.requireUnchanged();
    Optional<FileRegion> region = region(name);
    if (region.isPresent()) {
      return file.slice(region.get().offset() + offset, length);
    }
    return gather(Optional.ofNullable(tensors.get(name)).orElseThrow(), offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.ofNullable(tensors.get(name))
        .filter(StoredTensor::isContiguous)
        .map(
            tensor ->
                new FileRegion(
                    file.path(),
                    storage(tensor).offset() + tensor.offset() * tensor.dtype().bytes(),
                    require(name).byteCount()));
  }

  /** A slice of a view that is not contiguous: whole elements first, then what was asked for. */
  private ByteBuffer gather(StoredTensor tensor, long offset, int length) {
    int size = tensor.dtype().bytes();
    long first = offset / size;
    long end = (offset + length + size - 1) / size;
    ByteBuffer elements =
        ByteBuffer.allocateDirect(Math.toIntExact((end - first) * size))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (long element = first; element < end; ) {
      StoredTensor.Run run = tensor.run(element);
      int count = (int) Math.min(run.count(), end - element);
      gather(tensor, run, count, elements);
      element += count;
    }
    return elements
        .slice((int) (offset - first * size), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private void gather(StoredTensor tensor, StoredTensor.Run run, int count, ByteBuffer elements) {
    int size = tensor.dtype().bytes();
    long start = storage(tensor).offset() + run.index() * size;
    if (run.stride() == 1) {
      elements.put(file.slice(start, count * size));
      return;
    }
    long step = run.stride() * size;
    // One mapping serves as many elements as a buffer can span.
    int perSlice = (int) Math.min(count, 1 + (MAX_SPAN - size) / Math.max(1, step));
    for (int done = 0; done < count; done += perSlice) {
      int some = Math.min(perSlice, count - done);
      ByteBuffer from = file.slice(start + done * step, (int) ((some - 1) * step) + size);
      for (int i = 0; i < some; i++) {
        int at = (int) (i * step);
        switch (size) {
          case 1 -> elements.put(from.get(at));
          case 2 -> elements.putShort(from.getShort(at));
          case 4 -> elements.putInt(from.getInt(at));
          default -> elements.putLong(from.getLong(at));
        }
      }
    }
  }

  private FileRegion storage(StoredTensor tensor) {
    return Optional.ofNullable(storages.get(tensor.storage().key())).orElseThrow();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public String origin() {
    return file.path().toString();
  }

  @Override
  public void requireUnchanged() {
    file.requireUnchanged();
  }

  @Override
  public void close() {
    file.close();
  }
}
