package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A network cut to its first blocks, to be measured where the whole would take too long. */
final class FewerBlocks {
  private static final Pattern BLOCK =
      Pattern.compile("(?:(?:single_)?transformer_)?blocks\\.(\\d+)(\\..*)?");

  private FewerBlocks() {}

  /** How many blocks a program has. */
  static int count(Program program) {
    return (int) program.segments().stream().filter(s -> index(s) >= 0).count();
  }

  /** The first {@code blocks} blocks of each kind; a network without blocks as it is. */
  static Component cut(Component whole, int blocks) {
    List<Graph> kept = whole.program().segments().stream().filter(s -> index(s) < blocks).toList();
    Set<String> produced = new HashSet<>();
    kept.forEach(segment -> produced.addAll(segment.outputs().keySet()));
    List<String> outputs = whole.program().outputs().stream().filter(produced::contains).toList();
    return whole.withProgram(new Program(whole.program().name(), kept, outputs));
  }

  /** The block a segment belongs to, −1 for what is not of a block. */
  private static int index(Graph segment) {
    Matcher matcher = BLOCK.matcher(segment.name());
    return matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
  }
}
