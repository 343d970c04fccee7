package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CaptionRuleTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''  | ''           | a cat           | a cat",
        "sks | ''           | a cat           | sks, a cat",
        "sks | ''           | a SKS cat       | a SKS cat",
        "sks | ''           | a sksy cat      | sks, a sksy cat",
        "sks | ''           | sks, a cat      | sks, a cat",
        "sks | ''           | a [trigger] cat | a sks cat",
        "''  | 'a film of ' | a cat           | a film of a cat",
        "''  | 'a film of ' | a film of a cat | a film of a cat",
        "sks | 'anime, '    | a cat           | anime, sks, a cat",
        "sks | 'anime, '    | anime, sks, a cat | anime, sks, a cat",
        "a+b | ''           | a cat           | 'a+b, a cat'",
      })
  void triggerAndPrefix_areThereOnce(String trigger, String prefix, String caption, String all) {
    assertThat(new CaptionRule(trigger, prefix).apply(caption)).isEqualTo(all);
  }
}
