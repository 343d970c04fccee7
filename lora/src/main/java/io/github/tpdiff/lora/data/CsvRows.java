package io.github.tpdiff.lora.data;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Rows of comma-separated values as RFC 4180 has them, one after another. Read here, and strictly:
 * what libraries make of a stray quote, a caption with quotes in it or half the file, is nothing to
 * train on, and they do not say in which line a row began.
 *
 * <p>Memory: one row.
 */
public final class CsvRows {
  /** A thousand times what a caption has; a quote that never closes ends here. */
  private static final int MOST_CHARACTERS = 1 << 24;

  private static final int END = -1;

  /**
   * A row.
   *
   * @param line in which it begins, counted from 1
   * @param fields of it
   */
  public record Row(int line, List<String> fields) {}

  /** A row that is not what it should be. */
  public static final class MalformedException extends IOException {
    private static final long serialVersionUID = 1L;
    private final int line;

    MalformedException(int line, String expectedAndFound) {
      super(expectedAndFound);
      this.line = line;
    }

    public int line() {
      return line;
    }
  }

  private final Reader text;
  private int here;
  private int line = 1;
  private int characters;

  /**
   * @param text closed by the caller
   */
  public CsvRows(Reader text) throws IOException {
    this.text = text;
    this.here = text.read();
  }

  /**
   * The next row that is not empty; nothing after the last.
   *
   * @throws MalformedException if it is not what it should be
   */
  public Optional<Row> next() throws IOException {
    while (here != END) {
      int begun = line;
      List<String> fields = row();
      if (fields.size() > 1 || !fields.get(0).isBlank()) {
        return Optional.of(new Row(begun, fields));
      }
    }
    return Optional.empty();
  }

  /** Goes on by a character. */
  private int take() throws IOException {
    int taken = here;
    here = text.read();
    characters++;
    if (characters > MOST_CHARACTERS) {
      throw new MalformedException(
          line, "expected a row of at most %d characters".formatted(MOST_CHARACTERS));
    }
    return taken;
  }

  private boolean accept(char wanted) throws IOException {
    if (here != wanted) {
      return false;
    }
    take();
    return true;
  }

  private List<String> row() throws IOException {
    characters = 0;
    var fields = new ArrayList<String>();
    do {
      fields.add(here == '"' ? quoted() : plain());
    } while (accept(','));
    accept('\r');
    accept('\n');
    line++;
    return fields;
  }

  private boolean isAtEndOfLine() {
    return here == END || here == '\n' || here == '\r';
  }

  private String plain() throws IOException {
    var field = new StringBuilder();
    while (here != ',' && !isAtEndOfLine()) {
      if (here == '"') {
        throw new MalformedException(
            line,
            "expected quotes around the whole field and none within, found one in the middle; put"
                + " the field in quotes and double those within");
      }
      field.append((char) take());
    }
    return field.toString();
  }

  private String quoted() throws IOException {
    int begun = line;
    var field = new StringBuilder();
    take();
    while (true) {
      if (here == END) {
        throw new MalformedException(
            begun, "expected a closing quote for the field that begins here, found none");
      }
      char c = (char) take();
      if (c != '"') {
        line += c == '\n' || (c == '\r' && here != '\n') ? 1 : 0;
        field.append(c);
      } else if (!accept('"')) {
        break;
      } else {
        field.append(c);
      }
    }
    if (here != ',' && !isAtEndOfLine()) {
      throw new MalformedException(
          line,
          "expected a comma or the line's end after a closing quote, found '%s'; double the quotes"
                  .formatted((char) here)
              + " within a field");
    }
    return field.toString();
  }
}
