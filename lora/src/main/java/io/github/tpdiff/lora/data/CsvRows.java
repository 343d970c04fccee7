package io.github.tpdiff.lora.data;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows of comma-separated values as RFC 4180 has them. Read here, and strictly: what libraries make
 * of a stray quote, a caption with quotes in it or half the file, is nothing to train on, and they
 * do not say in which line a row began.
 */
final class CsvRows {
  /**
   * A row.
   *
   * @param line in which it begins, counted from 1
   * @param fields of it
   */
  record Row(int line, List<String> fields) {}

  /** A row that is not what it should be. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final int line;

    MalformedException(int line, String expectedAndFound) {
      super(expectedAndFound);
      this.line = line;
    }

    int line() {
      return line;
    }
  }

  private final String text;
  private int at;
  private int line = 1;

  private CsvRows(String text) {
    this.text = text;
  }

  /** All rows that are not empty. */
  static List<Row> read(String text) throws MalformedException {
    var reader = new CsvRows(text);
    var rows = new ArrayList<Row>();
    while (reader.at < text.length()) {
      int line = reader.line;
      List<String> fields = reader.row();
      if (fields.size() > 1 || !fields.get(0).isBlank()) {
        rows.add(new Row(line, fields));
      }
    }
    return rows;
  }

  private List<String> row() throws MalformedException {
    var fields = new ArrayList<String>();
    do {
      fields.add(here() == '"' ? quoted() : plain());
    } while (accept(','));
    if (here() == '\r') {
      at++;
    }
    if (here() == '\n') {
      at++;
    }
    line++;
    return fields;
  }

  /** The character to be read next; a line's end after the last. */
  private char here() {
    return at < text.length() ? text.charAt(at) : '\n';
  }

  private boolean accept(char wanted) {
    boolean there = at < text.length() && text.charAt(at) == wanted;
    at += there ? 1 : 0;
    return there;
  }

  private static boolean endsLine(char c) {
    return c == '\n' || c == '\r';
  }

  private String plain() throws MalformedException {
    int from = at;
    while (here() != ',' && !endsLine(here())) {
      if (here() == '"') {
        throw new MalformedException(
            line,
            "expected quotes around the whole field and none within, found one in the middle; put"
                + " the field in quotes and double those within");
      }
      at++;
    }
    return text.substring(from, at);
  }

  private String quoted() throws MalformedException {
    int begun = line;
    var field = new StringBuilder();
    at++;
    while (true) {
      if (at == text.length()) {
        throw new MalformedException(
            begun, "expected a closing quote for the field that begins here, found none");
      }
      char c = text.charAt(at++);
      if (c != '"') {
        line += c == '\n' || (c == '\r' && here() != '\n') ? 1 : 0;
        field.append(c);
      } else if (!accept('"')) {
        break;
      } else {
        field.append(c);
      }
    }
    if (here() != ',' && !endsLine(here())) {
      throw new MalformedException(
          line,
          "expected a comma or the line's end after a closing quote, found '%s'; double the quotes"
                  .formatted(here())
              + " within a field");
    }
    return field.toString();
  }
}
