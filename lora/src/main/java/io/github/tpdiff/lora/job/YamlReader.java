package io.github.tpdiff.lora.job;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * Reads a YAML file that one document fills, with anchors, aliases and merge keys.
 *
 * <p>An alias shares the node of its anchor, so that aliases of aliases take no memory; what merge
 * keys copy is counted. Tags are refused: nothing in a job is of another type than it says.
 */
final class YamlReader {
  /** Far above any job, far below what a machine can hold. */
  private static final int MOST_BYTES = 1 << 20;

  private static final int MOST_DEPTH = 100;
  private static final int MOST_MERGED = 10_000;
  private static final String MERGE = "<<";
  private static final Set<String> NOTHING = Set.of("", "~", "null", "Null", "NULL");

  private final Path file;
  private final Iterator<Event> events;
  private final Map<String, YamlNode> anchors = new HashMap<>();
  private final Set<String> open = new HashSet<>();
  private int merged;

  private YamlReader(Path file, Iterator<Event> events) {
    this.file = file;
    this.events = events;
  }

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it cannot be read or is no YAML, with the line
   */
  static YamlNode read(Path file) {
    String text = text(file);
    var reader = new YamlReader(file, new Yaml().parse(new StringReader(text)).iterator());
    try {
      return reader.document();
    } catch (MarkedYAMLException broken) {
      throw reader.error(line(broken), broken.getProblem());
    } catch (ReaderException unprintable) {
      String before = text.substring(0, text.offsetByCodePoints(0, unprintable.getPosition()));
      throw reader.error(
          1 + Math.toIntExact(before.chars().filter(c -> c == '\n').count()),
          "character U+%04X is not allowed".formatted(unprintable.getCodePoint()));
    } catch (YAMLException broken) {
      throw new CheckpointException("%s: %s".formatted(file, broken.getMessage()), broken);
    }
  }

  private static String text(Path file) {
    try (InputStream bytes = Files.newInputStream(file)) {
      byte[] read = bytes.readNBytes(MOST_BYTES + 1);
      if (read.length > MOST_BYTES) {
        throw new CheckpointException(
            "%s: expected a training job, found more than %d bytes".formatted(file, MOST_BYTES));
      }
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(read)).toString();
      return text.startsWith("\ufeff") ? text.substring(1) : text;
    } catch (CharacterCodingException notText) {
      throw new CheckpointException("%s: expected a text in UTF-8".formatted(file), notText);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  private static int line(MarkedYAMLException broken) {
    return broken.getProblemMark() == null ? 1 : broken.getProblemMark().getLine() + 1;
  }

  private static int line(Event event) {
    return event.getStartMark().getLine() + 1;
  }

  private CheckpointException error(int line, String what) {
    return new CheckpointException("%s: line %d: %s".formatted(file, line, what));
  }

  private YamlNode document() {
    events.next(); // the stream's start
    Event start = events.next();
    if (start.is(Event.ID.StreamEnd)) {
      throw error(1, "expected a training job, found nothing");
    }
    YamlNode root = node(events.next(), 0);
    events.next(); // the document's end
    Event after = events.next();
    if (!after.is(Event.ID.StreamEnd)) {
      throw error(line(after), "expected one document, found another after '---'");
    }
    return root;
  }

  private YamlNode node(Event event, int depth) {
    int line = line(event);
    if (event instanceof AliasEvent alias) {
      return aliased(alias.getAnchor(), line);
    }
    if (depth > MOST_DEPTH) {
      throw error(line, "lists and mappings in each other, more than %d deep".formatted(depth - 1));
    }
    requireNoTag(event);
    String anchor = ((NodeEvent) event).getAnchor();
    if (anchor != null) {
      open.add(anchor);
    }
    YamlNode node = parts(event, depth);
    if (anchor != null) {
      open.remove(anchor);
      anchors.put(anchor, node);
    }
    return node;
  }

  private YamlNode aliased(String anchor, int line) {
    if (open.contains(anchor)) {
      throw error(line, "*%s stands for what it is part of".formatted(anchor));
    }
    YamlNode node = anchors.get(anchor);
    if (node == null) {
      throw error(line, "*%s: expected an anchor &%s above it".formatted(anchor, anchor));
    }
    return node.at(line);
  }

  private void requireNoTag(Event event) {
    String tag = tag(event);
    if (tag != null) {
      throw error(
          line(event),
          "expected no tag, found %s: leave it out"
              .formatted(tag.replace("tag:yaml.org,2002:", "!!")));
    }
  }

  private static @Nullable String tag(Event event) {
    if (event instanceof ScalarEvent scalar) {
      return scalar.getTag();
    }
    return ((CollectionStartEvent) event).getTag();
  }

  private YamlNode parts(Event event, int depth) {
    if (event instanceof ScalarEvent scalar) {
      return scalar.getScalarStyle() == ScalarStyle.PLAIN && NOTHING.contains(scalar.getValue())
          ? new YamlNode.Nothing(line(event))
          : new YamlNode.Scalar(line(event), scalar.getValue());
    }
    if (event.is(Event.ID.MappingStart)) {
      return mapping(line(event), depth);
    }
    var items = new ArrayList<YamlNode>();
    for (Event next = events.next(); !next.is(Event.ID.SequenceEnd); next = events.next()) {
      items.add(node(next, depth + 1));
    }
    return new YamlNode.Sequence(line(event), items);
  }

  private YamlNode.Mapping mapping(int line, int depth) {
    var entries = new LinkedHashMap<String, YamlNode>();
    for (Event next = events.next(); !next.is(Event.ID.MappingEnd); next = events.next()) {
      if (!(node(next, depth + 1) instanceof YamlNode.Scalar key)) {
        throw error(line(next), "expected the name of a key");
      }
      YamlNode earlier = entries.put(key.text(), node(events.next(), depth + 1).at(key.line()));
      if (earlier != null) {
        throw error(
            key.line(),
            "'%s' is there twice, first in line %d".formatted(key.text(), earlier.line()));
      }
    }
    YamlNode merge = entries.remove(MERGE);
    if (merge != null) {
      merge(merge, entries);
    }
    return new YamlNode.Mapping(line, entries);
  }

  /** What is written beside a merge key counts more, and of several the earlier. */
  private void merge(YamlNode merge, Map<String, YamlNode> entries) {
    List<YamlNode> sources =
        merge instanceof YamlNode.Sequence several ? several.items() : List.of(merge);
    for (YamlNode source : sources) {
      if (!(source instanceof YamlNode.Mapping mapping)) {
        throw error(
            source.line(),
            "%s: expected keys and values, such as *anchor, found %s"
                .formatted(MERGE, source.words()));
      }
      merged += mapping.entries().size();
      if (merged > MOST_MERGED) {
        throw error(source.line(), "%s: more than %d keys".formatted(MERGE, MOST_MERGED));
      }
      mapping.entries().forEach(entries::putIfAbsent);
    }
  }
}
