package io.github.tpdiff.lora.job;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A YAML tree that remembers its lines. */
sealed interface YamlNode {
  /** How the parser says where something is. */
  Pattern PLACE = Pattern.compile("^ in .*, line (\\d+), column \\d+");

  int line();

  /** A value without parts, as written. */
  record Scalar(int line, String text) implements YamlNode {}

  /** A list. */
  record Sequence(int line, List<YamlNode> items) implements YamlNode {}

  /** Keys and values. */
  record Mapping(int line, Map<String, YamlNode> entries) implements YamlNode {}

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it cannot be read or is no YAML, with the line
   */
  static YamlNode read(Path file) {
    try (JsonParser parser = new YAMLFactory().createParser(Files.readString(file))) {
      parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
      if (parser.nextToken() == null) {
        throw new CheckpointException("%s: expected a training job, found nothing".formatted(file));
      }
      return node(parser);
    } catch (JsonProcessingException broken) {
      throw new CheckpointException("%s: %s".formatted(file, problem(broken)), broken);
    } catch (CharacterCodingException notText) {
      throw new CheckpointException("%s: expected a text in UTF-8".formatted(file), notText);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  /**
   * The line and what is wrong there. The parser says on several lines what it was doing, where
   * that began, what was wrong, and where.
   */
  private static String problem(JsonProcessingException broken) {
    List<String> said =
        broken
            .getOriginalMessage()
            .lines()
            .filter(l -> !l.isBlank() && !l.startsWith("    "))
            .toList();
    String what = "no YAML";
    int line = broken.getLocation() == null ? 1 : broken.getLocation().getLineNr();
    for (String each : said) {
      Matcher place = PLACE.matcher(each);
      if (place.find()) {
        line = Integer.parseInt(place.group(1));
      } else {
        what = each;
      }
    }
    return "line %d: %s".formatted(line, what.strip());
  }

  private static YamlNode node(JsonParser parser) throws IOException {
    int line = parser.currentTokenLocation().getLineNr();
    JsonToken token = Objects.requireNonNull(parser.currentToken());
    if (token == JsonToken.START_OBJECT) {
      var entries = new LinkedHashMap<String, YamlNode>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = Objects.requireNonNull(parser.currentName());
        int keyLine = parser.currentTokenLocation().getLineNr();
        parser.nextToken();
        entries.put(key, atLine(keyLine, node(parser)));
      }
      return new Mapping(line, entries);
    }
    if (token == JsonToken.START_ARRAY) {
      var items = new ArrayList<YamlNode>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        items.add(node(parser));
      }
      return new Sequence(line, items);
    }
    return new Scalar(line, token == JsonToken.VALUE_NULL ? "" : parser.getText());
  }

  private static YamlNode atLine(int line, YamlNode node) {
    if (node instanceof Mapping mapping) {
      return new Mapping(line, mapping.entries());
    }
    if (node instanceof Sequence sequence) {
      return new Sequence(line, sequence.items());
    }
    return new Scalar(line, ((Scalar) node).text());
  }
}
