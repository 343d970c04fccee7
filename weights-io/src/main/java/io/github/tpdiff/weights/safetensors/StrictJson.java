package io.github.tpdiff.weights.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Pull parsing of hostile JSON: strict UTF-8, no byte order mark, bounded nesting. */
final class StrictJson implements AutoCloseable {

  /** Says what is wrong with the text, without naming the file. */
  static final class Malformed extends Exception {
    Malformed(String message) {
      super(message);
    }
  }

  /** What a name that an object repeats means. */
  enum Repeated {
    REFUSED,
    LAST_COUNTS
  }

  /** As deep as the reference implementation goes. */
  private static final int MAX_DEPTH = 127;

  private static final int MAX_DIGITS = 19;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNameLength(SafetensorsHeader.MAX_BYTES)
                  .maxStringLength(SafetensorsHeader.MAX_BYTES)
                  .maxNumberLength(SafetensorsHeader.MAX_BYTES)
                  .build())
          .build();

  private final JsonParser parser;

  private StrictJson(JsonParser parser) {
    this.parser = parser;
  }

  static StrictJson open(byte[] utf8) throws IOException, Malformed {
    if (utf8.length > 0 && (utf8[0] & 0xff) >= 0x80) {
      throw new Malformed("expected JSON, found byte 0x%02x at its start".formatted(utf8[0]));
    }
    Reader reader =
        new InputStreamReader(
            new ByteArrayInputStream(utf8),
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT));
    return new StrictJson(FACTORY.createParser(reader));
  }

  /** One line for an exception of the parser. */
  static String reason(IOException failure) {
    if (failure instanceof CharacterCodingException) {
      return "it is not UTF-8";
    }
    String message = String.valueOf(failure.getMessage());
    return message.lines().findFirst().orElse(message);
  }

  void expect(JsonToken wanted, String what) throws IOException, Malformed {
    if (parser.nextToken() != wanted) {
      throw unexpected(what);
    }
  }

  /** Moves to the next value and says what it is. */
  JsonToken next() throws IOException, Malformed {
    JsonToken token = parser.nextToken();
    if (token == null) {
      throw new Malformed("the text ends early");
    }
    return token;
  }

  /** The refusal of the current value where something else is expected. */
  Malformed unexpected(String what) throws IOException {
    return new Malformed("expected %s, found %s".formatted(what, describe()));
  }

  /** Moves to the next name of an object; false at its end. */
  boolean nextName() throws IOException, Malformed {
    return parser.nextToken() == JsonToken.FIELD_NAME;
  }

  String name() throws IOException, Malformed {
    return wellFormed(parser.currentName());
  }

  /** Moves to the next element of an array; false at its end. */
  boolean nextElement() throws IOException {
    return parser.nextToken() != JsonToken.END_ARRAY;
  }

  /** The current token as an integer of at least 0. */
  long natural(String what) throws IOException, Malformed {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw unexpected("an integer in " + what);
    }
    String digits = parser.getText();
    // Minus zero is no integer to the reference implementation.
    if (digits.startsWith("-") || digits.length() > MAX_DIGITS) {
      throw outOfRange(what, digits);
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException tooLarge) {
      throw outOfRange(what, digits);
    }
  }

  private static Malformed outOfRange(String what, String digits) {
    return new Malformed(
        "expected an integer from 0 to 2^63 - 1 in %s, found %s".formatted(what, brief(digits)));
  }

  String string(String what) throws IOException, Malformed {
    expect(JsonToken.VALUE_STRING, what);
    return wellFormed(parser.getText());
  }

  /** The next value, one of several names: a string, or an object that gives it the value null. */
  String variant(String what) throws IOException, Malformed {
    JsonToken token = next();
    if (token != JsonToken.START_OBJECT) {
      if (token != JsonToken.VALUE_STRING) {
        throw unexpected(what);
      }
      return wellFormed(parser.getText());
    }
    if (!nextName()) {
      throw unexpected(what);
    }
    String name = name();
    expect(JsonToken.VALUE_NULL, what);
    expect(JsonToken.END_OBJECT, what);
    return name;
  }

  /** The next value, an object of strings; null counts as empty. */
  Map<String, String> strings(String what, Repeated repeated) throws IOException, Malformed {
    Map<String, String> strings = new LinkedHashMap<>();
    if (parser.nextToken() == JsonToken.VALUE_NULL) {
      return strings;
    }
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw new Malformed("expected %s to be an object, found %s".formatted(what, describe()));
    }
    while (nextName()) {
      String name = name();
      String value = string("a string for '%s' in %s".formatted(name, what));
      if (strings.put(name, value) != null && repeated == Repeated.REFUSED) {
        throw new Malformed("'%s' appears twice in %s".formatted(name, what));
      }
    }
    return strings;
  }

  /** Passes over the next value, which must be well-formed all the same. */
  void skip() throws IOException, Malformed {
    int depth = 0;
    do {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.FIELD_NAME || token == JsonToken.VALUE_STRING) {
        wellFormed(parser.getText());
      } else if (token.isNumeric() && !ReferenceNumber.isInRange(parser.getText())) {
        throw new Malformed("a number is out of range: " + brief(parser.getText()));
      } else if (token.isStructStart()) {
        depth++;
      } else if (token.isStructEnd()) {
        depth--;
      }
    } while (depth > 0);
  }

  void expectEnd() throws IOException, Malformed {
    if (parser.nextToken() != null) {
      throw new Malformed("expected nothing after the JSON object, found " + describe());
    }
  }

  @Override
  public void close() throws IOException {
    parser.close();
  }

  private String describe() throws IOException {
    JsonToken token = parser.currentToken();
    if (token == null) {
      return "the end";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "a string";
      default -> brief(parser.getText());
    };
  }

  private static String brief(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }

  private static String wellFormed(String text) throws Malformed {
    for (int i = 0; i < text.length(); i++) {
      char unit = text.charAt(i);
      if (Character.isHighSurrogate(unit)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(unit)) {
        throw new Malformed("a string holds half of a surrogate pair");
      }
    }
    return text;
  }
}
