package io.github.tpdiff.weights.pickle;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Zip archives as torch.save makes them, by the JDK's own zip classes. */
final class TorchArchives {

  private TorchArchives() {}

  /** An archive of these records, stored without compression. */
  static byte[] zip(Map<String, byte[]> records) {
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(archive)) {
      for (Map.Entry<String, byte[]> record : records.entrySet()) {
        ZipEntry entry = new ZipEntry(record.getKey());
        CRC32 crc = new CRC32();
        crc.update(record.getValue());
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(record.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(record.getValue());
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return archive.toByteArray();
  }

  /** A pickle of the value that these steps push, in Latin-1. */
  static byte[] pickle(String steps) {
    return ("\u0080\u0002" + steps + ".").getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Steps that push a view of storage {@code 0}. */
  static String tensor(String storageClass, long elements, View view) {
    return "ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage")
        + "ctorch\n"
        + storageClass
        + "\n"
        + text("0")
        + text("cpu")
        + integer(elements)
        + "tQ"
        + integer(view.offset())
        + tuple(view.shape())
        + tuple(view.strides())
        + "\u0089)tR";
  }

  /** Where a view lies in its storage. */
  record View(long offset, List<Long> shape, List<Long> strides) {}

  static String text(String text) {
    return "X" + littleEndian(text.length(), 4) + text;
  }

  private static String tuple(List<Long> values) {
    return "(" + values.stream().map(TorchArchives::integer).collect(Collectors.joining()) + "t";
  }

  private static String integer(long value) {
    return "\u008a\u0008" + littleEndian(value, 8);
  }

  private static String littleEndian(long value, int bytes) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < bytes; i++) {
      text.append((char) (value >>> (8 * i) & 0xff));
    }
    return text.toString();
  }

  /** The pickle in an archive; none where the bytes are no archive or hold none. */
  static Stream<byte[]> pickleIn(byte[] archive) {
    try {
      Path file = Files.createTempFile("tpdiff", ".zip");
      try (ZipFile zip = new ZipFile(Files.write(file, archive).toFile())) {
        for (ZipEntry entry : Collections.list(zip.entries())) {
          if (entry.getName().endsWith("/data.pkl")) {
            return Stream.of(zip.getInputStream(entry).readAllBytes());
          }
        }
        return Stream.empty();
      } catch (ZipException | EOFException damaged) {
        return Stream.empty();
      } finally {
        Files.delete(file);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
