package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrintableTextTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "model.safetensors",
        "ein Fuß läuft",
        "白い猫",
        "👩‍🚀",
        "می‌خواهم",
        "C:\\a\\n",
        "'\"<>"
      })
  void textWithoutHiddenCharacters_staysAsItIs(String text) {
    assertThat(PrintableText.of(text)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0a, \\n",
    "0d, \\r",
    "09, \\t",
    "1b, \\u001b",
    "00, \\u0000",
    "07, \\u0007",
    "08, \\u0008",
    "7f, \\u007f",
    "85, \\u0085",
    "9b, \\u009b",
    "61c, \\u061c",
    "200e, \\u200e",
    "200f, \\u200f",
    "2028, \\u2028",
    "2029, \\u2029",
    "202a, \\u202a",
    "202e, \\u202e",
    "2066, \\u2066",
    "2069, \\u2069",
    "feff, \\ufeff",
    "ad, \\u00ad",
    "d800, \\ud800",
    "e0041, \\udb40\\udc41"
  })
  void hiddenCharacters_areWrittenOut(String code, String shown) {
    String hidden = Character.toString(Integer.parseInt(code, 16));
    assertThat(PrintableText.of("a" + hidden + "b")).isEqualTo("a" + shown + "b");
  }

  @Property
  void nothingThatATerminalObeys_isLeft(@ForAll String text) {
    assertThat(PrintableText.of(text).chars())
        .noneMatch(c -> c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e));
  }

  @Property
  void lines_stay(@ForAll String text) {
    assertThat(PrintableText.lines(text).lines().count())
        .isEqualTo(text.chars().filter(c -> c == '\n').count() + (endsALine(text) ? 0 : 1));
  }

  private static boolean endsALine(String text) {
    return text.isEmpty() || text.endsWith("\n");
  }

  @Property
  void insideJsonAnEscape_meansTheCharacter(@ForAll @IntRange(max = 0xffff) int code)
      throws JsonProcessingException {
    String text = Character.isSurrogate((char) code) ? "x" : Character.toString(code);
    String json = PrintableText.of(new ObjectMapper().writeValueAsString(text));
    assertThat(new ObjectMapper().readValue(json, String.class)).isEqualTo(text);
  }
}
