package io.github.tpdiff.weights.pickle;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
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
