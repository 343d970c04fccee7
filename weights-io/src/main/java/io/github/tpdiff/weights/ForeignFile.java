package io.github.tpdiff.weights;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a file that is no checkpoint of a kind that is read seems to be, by how it begins. */
public final class ForeignFile {

  private static final int START_BYTES = 16;

  private static final Map<String, String> STARTS =
      new TreeMap<>(
          Map.of(
              "GGUF",
              "a GGUF file, which is not read; give the safetensors file that it was made from",
              "version https://",
              "a Git LFS pointer, download the file itself",
              "PK",
              "a zip archive",
              "<",
              "a web page, download the file again",
              "\u0089HDF\r\n",
              "an HDF5 file, which is not read",
              "\u0093NUMPY",
              "a NumPy array, which is not read",
              "\u001f\u008b",
              "a gzip archive, unpack it first",
              "7z\u00bc\u00af",
              "a 7z archive, unpack it first",
              "Rar!",
              "a RAR archive, unpack it first"));

  private ForeignFile() {}

  /** In words that continue "this is ", where the kind is known. */
  public static Optional<String> describe(MappedFile file) {
    byte[] start = new byte[(int) Math.min(START_BYTES, file.size())];
    file.slice(0, start.length).get(start);
    String text = new String(start, StandardCharsets.ISO_8859_1);
    return STARTS.entrySet().stream()
        .filter(kind -> text.startsWith(kind.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }
}
