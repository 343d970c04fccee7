package io.github.tpdiff.lora.job;

import java.util.List;
import java.util.Map;

/** A YAML tree that remembers its lines. */
sealed interface YamlNode {
  int line();

  /** What it is, for errors. */
  String words();

  /** The same where an alias repeats it. */
  YamlNode at(int line);

  /** A value without parts, as written. */
  record Scalar(int line, String text) implements YamlNode {
    @Override
    public String words() {
      return "'" + text + "'";
    }

    @Override
    public Scalar at(int other) {
      return new Scalar(other, text);
    }
  }

  /** A key without a value, {@code null} or {@code ~}. */
  record Nothing(int line) implements YamlNode {
    @Override
    public String words() {
      return "nothing";
    }

    @Override
    public Nothing at(int other) {
      return new Nothing(other);
    }
  }

  /** A list. */
  record Sequence(int line, List<YamlNode> items) implements YamlNode {
    @Override
    public String words() {
      return "a list of " + items.size();
    }

    @Override
    public Sequence at(int other) {
      return new Sequence(other, items);
    }
  }

  /** Keys and values. */
  record Mapping(int line, Map<String, YamlNode> entries) implements YamlNode {
    @Override
    public String words() {
      return "keys and values";
    }

    @Override
    public Mapping at(int other) {
      return new Mapping(other, entries);
    }
  }
}
