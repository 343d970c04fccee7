package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * What the {@code forward} of a TorchScript file takes, read from the program that lies in the
 * file: libtorch itself takes arguments by their places alone, and tells nobody their names.
 */
record ScriptSignature(List<Parameter> parameters) {
  /** Far more than the programs of published networks. */
  private static final int MOST_BYTES = 1 << 26;

  /** A pickle begins with its protocol, and of a module then with the name of its class. */
  private static final Pattern ROOT =
      Pattern.compile("\\A\\x80[\\x02-\\x05]c(__torch__[\\w.]*)\\n(\\w+)\\n");

  private static final Pattern PARAMETER =
      Pattern.compile("(\\w+): ([^=]+?)(?:\\s*=\\s*(.+))?", Pattern.DOTALL);

  /**
   * One of them.
   *
   * @param type as TorchScript writes it, such as {@code Tensor} or {@code bool}
   * @param preset what it is where it is not given, in the words of the program
   */
  record Parameter(String name, String type, Optional<String> preset) {
    boolean isTensor() {
      return type.equals("Tensor") || type.equals("Optional[Tensor]");
    }
  }

  ScriptSignature {
    parameters = List.copyOf(parameters);
  }

  /**
   * Reads it.
   *
   * @throws CheckpointException if the file is none that {@code torch.jit.save} wrote
   */
  static ScriptSignature read(Path file) {
    try (var zip = new ZipFile(file.toFile())) {
      String pickle =
          text(
              zip,
              zip.stream()
                  .filter(entry -> entry.getName().matches("[^/]+/data\\.pkl"))
                  .findFirst()
                  .orElseThrow(() -> unlike(file, "a zip without data.pkl")),
              256);
      Matcher root = ROOT.matcher(pickle);
      if (!root.find()) {
        throw unlike(file, "weights without a program");
      }
      String name = "/code/" + root.group(1).replace('.', '/') + ".py";
      ZipEntry code =
          zip.stream()
              .map(ZipEntry.class::cast)
              .filter(entry -> entry.getName().endsWith(name))
              .findFirst()
              .orElseThrow(() -> unlike(file, "no " + name.substring(1)));
      return of(text(zip, code, MOST_BYTES), root.group(2))
          .orElseThrow(() -> unlike(file, "a program without forward"));
    } catch (IOException failure) {
      throw unlike(file, String.valueOf(failure.getMessage()));
    }
  }

  private static CheckpointException unlike(Path file, String found) {
    return new CheckpointException(
        "%s: expected a TorchScript file as torch.jit.save writes it, found %s"
            .formatted(file, found));
  }

  private static String text(ZipFile zip, ZipEntry entry, int most) throws IOException {
    try (InputStream stream = zip.getInputStream(entry)) {
      return new String(stream.readNBytes(most), StandardCharsets.ISO_8859_1);
    }
  }

  /** Of a class in a program. */
  static Optional<ScriptSignature> of(String program, String type) {
    int start = program.indexOf("class " + type + "(");
    int forward = start < 0 ? -1 : program.indexOf("  def forward(", start);
    int next = program.indexOf("\nclass ", Math.max(0, start));
    if (forward < 0 || (next >= 0 && forward > next)) {
      return Optional.empty();
    }
    var parameters = new ArrayList<Parameter>();
    for (String written : arguments(program, program.indexOf('(', forward))) {
      Matcher parameter = PARAMETER.matcher(written);
      if (parameter.matches()) {
        parameters.add(
            new Parameter(
                parameter.group(1),
                parameter.group(2).strip(),
                Optional.ofNullable(parameter.group(3)).map(String::strip)));
      }
    }
    // The first is the module itself.
    return parameters.isEmpty()
        ? Optional.empty()
        : Optional.of(new ScriptSignature(parameters.subList(1, parameters.size())));
  }

  /** What stands between brackets, split at the commas that lie in no inner ones. */
  private static List<String> arguments(String program, int open) {
    var arguments = new ArrayList<String>();
    int depth = 0;
    int start = open + 1;
    for (int i = open; i < program.length(); i++) {
      char c = program.charAt(i);
      if (c == '(' || c == '[') {
        depth++;
      } else if (c == ')' || c == ']') {
        depth--;
      }
      if ((c == ',' && depth == 1) || depth == 0) {
        arguments.add(program.substring(start, i).strip());
        start = i + 1;
      }
      if (depth == 0) {
        break;
      }
    }
    return arguments;
  }
}
