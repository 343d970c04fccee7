package io.github.tpdiff.weights.layout;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * A dotted name in which {@code {i}} stands for any number, such as {@code blocks.{i}.attn1.to_q}.
 */
final class NameTemplate {

  /** A name cut into its words and its numbers. */
  record Numbered(String skeleton, List<String> numbers) {

    /** Takes the parts of a name that are numbers out of it. */
    static Numbered of(String name, char separator) {
      StringBuilder skeleton = new StringBuilder(name.length());
      List<String> numbers = new ArrayList<>();
      int start = 0;
      while (start <= name.length()) {
        int end = name.indexOf(separator, start);
        end = end < 0 ? name.length() : end;
        String part = name.substring(start, end);
        if (start > 0) {
          skeleton.append(separator);
        }
        if (isNumber(part) || part.equals(OPEN)) {
          numbers.add(part);
          skeleton.append('#');
        } else {
          skeleton.append(part);
        }
        start = end + 1;
      }
      return new Numbered(skeleton.toString(), numbers);
    }

    private static boolean isNumber(String part) {
      return !part.isEmpty()
          && part.length() <= 6
          && part.chars().allMatch(c -> c >= '0' && c <= '9');
    }
  }

  private static final String OPEN = "{i}";

  private final String text;
  private final Numbered numbered;

  private NameTemplate(String text, Numbered numbered) {
    this.text = text;
    this.numbered = numbered;
  }

  static NameTemplate of(String text) {
    return new NameTemplate(text, Numbered.of(text, '.'));
  }

  /** The same with underscores for dots. */
  NameTemplate underscored() {
    String other = text.replace('.', '_');
    return new NameTemplate(other, Numbered.of(other, '_'));
  }

  /** What all names of this form share; names with equal skeletons may still differ in numbers. */
  String skeleton() {
    return numbered.skeleton();
  }

  /** The numbers that a name of this form has in the open places. */
  Optional<List<String>> match(Numbered name) {
    if (!name.skeleton().equals(skeleton())) {
      return Optional.empty();
    }
    List<String> open = new ArrayList<>();
    for (int i = 0; i < name.numbers().size(); i++) {
      String expected = numbered.numbers().get(i);
      String found = name.numbers().get(i);
      if (expected.equals(OPEN)) {
        open.add(found);
      } else if (!expected.equals(found)) {
        return Optional.empty();
      }
    }
    return Optional.of(open);
  }

  /** The name with these numbers in the open places. */
  String fill(List<String> numbers) {
    String name = text;
    for (Iterator<String> next = numbers.iterator(); next.hasNext(); ) {
      int at = name.indexOf(OPEN);
      name = name.substring(0, at) + next.next() + name.substring(at + OPEN.length());
    }
    return name;
  }

  /** How many places are open. */
  int openPlaces() {
    return (int) numbered.numbers().stream().filter(OPEN::equals).count();
  }

  @Override
  public String toString() {
    return text;
  }
}
