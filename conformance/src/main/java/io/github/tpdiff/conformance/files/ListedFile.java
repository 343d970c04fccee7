package io.github.tpdiff.conformance.files;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One file of a manifest.
 *
 * @param file its path in the case
 * @param expected what is to become of it
 * @param tensors what it holds, where the manifest says so
 * @param metadata what it says of itself, where the manifest says so
 */
record ListedFile(
    String file,
    Expected expected,
    Optional<List<ListedTensor>> tensors,
    Optional<Map<String, String>> metadata) {

  /** What is to become of a file. */
  enum Expected {
    /** It is read to the listed values. */
    ACCEPT,
    /** It is refused in one line. */
    REJECT,
    /** One of the two, within the same limits. */
    EITHER;

    private static Expected of(String text) {
      return switch (text) {
        case "accept" -> ACCEPT;
        case "reject" -> REJECT;
        case "either" -> EITHER;
        default ->
            throw new CaseException(
                "manifest: expected: expected accept, reject or either, found '" + text + "'");
      };
    }
  }

  /**
   * One tensor of a file.
   *
   * @param name in the file
   * @param type its type and shape, as {@code F32 [2,3]}
   * @param output of the case that holds its values; without one only the rest is compared
   */
  record ListedTensor(String name, String type, Optional<String> output) {
    private static final String OUTPUT = "out.";

    private static ListedTensor of(Arguments entry) {
      return new ListedTensor(
          entry.text("name"),
          entry.text("dtype") + " " + entry.integers("shape").toString().replace(" ", ""),
          entry.findText("expected").map(ListedTensor::output));
    }

    private static String output(String expected) {
      if (!expected.startsWith(OUTPUT)) {
        throw new CaseException(
            "manifest: tensors: expected: expected a name that starts with out., found "
                + expected);
      }
      return expected.substring(OUTPUT.length());
    }
  }

  /** The outputs of the case that hold what is in the file. */
  List<String> outputs() {
    return tensors.orElse(List.of()).stream().flatMap(tensor -> tensor.output().stream()).toList();
  }

  static ListedFile of(Arguments entry) {
    // What is special about the file, what other readers say, and whether that is the reason.
    List.of("why", "reference", "policy").forEach(entry::passOver);
    return new ListedFile(
        entry.text("file"),
        Expected.of(entry.text("expected")),
        entry.isList("tensors")
            ? Optional.of(entry.entries("tensors").stream().map(ListedTensor::of).toList())
            : Optional.empty(),
        entry.findGroup("metadata").map(ListedFile::texts));
  }

  private static Map<String, String> texts(Arguments metadata) {
    var texts = new TreeMap<String, String>();
    Map<String, JsonNode> all = metadata.all();
    all.forEach((key, value) -> texts.put(key, value.asText()));
    return texts;
  }
}
