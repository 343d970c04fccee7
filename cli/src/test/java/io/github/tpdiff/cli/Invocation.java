package io.github.tpdiff.cli;

import java.io.StringWriter;
import picocli.CommandLine;

/** One run of the command in this process. */
record Invocation(int exitCode, String out, String err) {
  static Invocation of(Object... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    CommandLine command = Tpdiff.commandLine(out, err);
    var words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    int code = command.execute(words);
    return new Invocation(code, out.toString(), err.toString());
  }
}
