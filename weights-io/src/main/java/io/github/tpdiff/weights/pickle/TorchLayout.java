package io.github.tpdiff.weights.pickle;

import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.ForeignFile;
import io.github.tpdiff.weights.MappedFile;
import io.github.tpdiff.weights.pickle.StoredTensor.Storage;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The two layouts of {@code torch.save}: where the pickle and the storages lie. */
final class TorchLayout {

  /** A file's tensors, and the regions of the storages they lie in. */
  record Content(Map<String, StoredTensor> tensors, Map<String, FileRegion> storages) {}

  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final Long PROTOCOL = 1001L;
  private static final String PICKLE = "/data.pkl";
  private static final int MAX_RECORD_BYTES = 16;

  private TorchLayout() {}

  static Content read(MappedFile file) throws PickleException {
    if (file.size() < 4) {
      throw new PickleException("the file has only %d bytes".formatted(file.size()));
    }
    ByteBuffer start = file.slice(0, (int) Math.min(16, file.size()));
    if (start.getInt(0) == 0x04034b50) {
      return readZip(file);
    }
    if ((start.get(0) & 0xff) == 0x80) {
      return readPlain(file);
    }
    throw new PickleException(
        ForeignFile.describe(file)
            .map(kind -> "this is " + kind)
            .orElse("it is neither a zip archive nor a pickle"));
  }

  private static Content readZip(MappedFile file) throws PickleException {
    Map<String, FileRegion> entries = ZipDirectory.read(file);
    List<String> pickles =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.lastIndexOf('/'))
            .toList();
    if (pickles.size() != 1) {
      throw new PickleException(
          "expected one entry FOLDER/data.pkl in the zip archive, found %d"
              .formatted(pickles.size()));
    }
    String pickle = pickles.get(0);
    String folder = pickle.substring(0, pickle.length() - PICKLE.length());
    requireKnown(file, folder, entries);
    TorchConstructors constructors = new TorchConstructors();
    FileRegion region = Optional.ofNullable(entries.get(pickle)).orElseThrow();
    Object root = Unpickler.load(pickleAt(file, region.offset(), region.length()), constructors);
    Map<String, FileRegion> storages = new HashMap<>();
    for (Storage storage : constructors.storages().values()) {
      FileRegion record = entries.get(folder + "/data/" + storage.key());
      if (record == null || record.length() != storage.byteCount()) {
        throw new PickleException(
            "storage '%s': expected a record of %d bytes, found %s"
                .formatted(
                    storage.key(),
                    storage.byteCount(),
                    record == null ? "none" : record.length() + " bytes"));
      }
      storages.put(storage.key(), record);
    }
    return new Content(TensorTree.flatten(root), storages);
  }

  private static void requireKnown(MappedFile file, String folder, Map<String, FileRegion> entries)
      throws PickleException {
    if (entries.containsKey(folder + "/constants.pkl")) {
      throw new PickleException("it is a TorchScript program; save its state_dict() instead");
    }
    String order = record(file, Optional.ofNullable(entries.get(folder + "/byteorder")), "little");
    if (!order.equals("little")) {
      throw new PickleException("expected byte order little, found " + order);
    }
    String version = record(file, Optional.ofNullable(entries.get(folder + "/version")), "3");
    if (!version.strip().matches("\\d|10")) {
      throw new PickleException("expected format version 10 or less, found " + version.strip());
    }
  }

  /** A short record as text. */
  private static String record(MappedFile file, Optional<FileRegion> region, String otherwise) {
    return region
        .map(at -> file.slice(at.offset(), (int) Math.min(MAX_RECORD_BYTES, at.length())))
        .map(bytes -> StandardCharsets.ISO_8859_1.decode(bytes).toString())
        .orElse(otherwise);
  }

  private static ByteBuffer pickleAt(MappedFile file, long offset, long length)
      throws PickleException {
    if (length > Unpickler.MAX_BYTES) {
      throw new PickleException(
          "expected a pickle of at most %d bytes, found %d".formatted(Unpickler.MAX_BYTES, length));
    }
    return file.slice(offset, (int) length);
  }

  /** Magic number, protocol, system, object, storage keys; then each storage after its length. */
  private static Content readPlain(MappedFile file) throws PickleException {
    ByteBuffer in = file.slice(0, (int) Math.min(file.size(), Unpickler.MAX_BYTES));
    TorchConstructors constructors = new TorchConstructors();
    if (!MAGIC.equals(Unpickler.load(in, constructors))
        || !PROTOCOL.equals(Unpickler.load(in, constructors))) {
      throw new PickleException("it is a pickle, but not one of torch.save");
    }
    if (!(Unpickler.load(in, constructors) instanceof Map<?, ?> system)
        || Boolean.FALSE.equals(system.get("little_endian"))) {
      throw new PickleException("expected a file from a little-endian machine");
    }
    Object root = Unpickler.load(in, constructors);
    if (!(Unpickler.load(in, constructors) instanceof List<?> keys)) {
      throw new PickleException("the list of storages is missing");
    }
    Map<String, FileRegion> storages = new HashMap<>();
    long at = in.position();
    for (Object key : keys) {
      Storage storage = constructors.storages().get(String.valueOf(key));
      if (storage == null || storages.containsKey(storage.key())) {
        throw new PickleException("the list of storages does not match the tensors");
      }
      long start = at + Long.BYTES;
      if (start > file.size()
          || file.slice(at, Long.BYTES).getLong() != storage.elementCount()
          || storage.byteCount() > file.size() - start) {
        throw new PickleException(
            "storage '%s': expected %d elements of %s, found the file cut short or damaged"
                .formatted(storage.key(), storage.elementCount(), storage.dtype()));
      }
      storages.put(storage.key(), new FileRegion(file.path(), start, storage.byteCount()));
      at = start + storage.byteCount();
    }
    if (!new HashSet<>(constructors.storages().keySet()).equals(storages.keySet())) {
      throw new PickleException("the list of storages does not match the tensors");
    }
    return new Content(TensorTree.flatten(root), storages);
  }
}
