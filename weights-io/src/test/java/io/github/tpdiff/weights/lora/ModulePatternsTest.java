package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModulePatternsTest {
  private static final List<String> MODULES =
      List.of(
          "blocks.0.attn1.to_q",
          "blocks.1.attn1.to_q",
          "blocks.1.attn1.to_out.0",
          "blocks.10.attn2.to_k",
          "blocks.1.ffn.net.0.proj",
          "proj_out",
          "single_transformer_blocks.0.proj_out");

  @Provide
  Arbitrary<List<String>> patterns() {
    Arbitrary<String> piece =
        Arbitraries.of(
            "blocks",
            "\\.",
            ".",
            "[0-9]+",
            "1",
            "0",
            "attn1",
            "attn[12]",
            "to_(q|k)",
            ".*",
            "to_q",
            "to_out\\.0",
            "proj_out",
            "^",
            "net|proj",
            "\\d",
            "(?:blocks\\.)?",
            "to_.{1,3}");
    return piece
        .list()
        .ofMinSize(1)
        .ofMaxSize(4)
        .map(pieces -> String.join("", pieces))
        .list()
        .ofMinSize(1)
        .ofMaxSize(4);
  }

  /** PEFT's own rule, {@code re.match(rf"(.*\.)?({key})$", name)}, with Java's expressions. */
  private static Optional<Double> asPeft(Map<String, Double> patterns, String module) {
    return patterns.entrySet().stream()
        .filter(e -> Pattern.compile("(.*\\.)?(" + e.getKey() + ")$").matcher(module).lookingAt())
        .map(Map.Entry::getValue)
        .findFirst();
  }

  @Property(tries = 500)
  void firstPatternThatMatches_decidesAsInPeft(@ForAll("patterns") List<String> texts) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    texts.forEach(text -> numbers.put(text, numbers.size() + 1.0));
    ModulePatterns patterns = ModulePatterns.of("config", numbers);
    for (String module : MODULES) {
      assertThat(patterns.find(module)).as(module).isEqualTo(asPeft(numbers, module));
    }
  }

  /** Worked out with peft 0.21's get_pattern_key. */
  @Test
  void overlappingPatterns_giveTheFirst() {
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("attn1.*", 16.0);
    numbers.put("blocks.0.attn1.to_q", 64.0);
    ModulePatterns patterns = ModulePatterns.of("config", numbers);
    assertThat(patterns.find("blocks.0.attn1.to_q")).contains(16.0);
    assertThat(patterns.find("blocks.0.attn2.to_q")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"(", "(?=x)", "(?<!x)y", "(a)\\1", "a{2000}", "((a{100}){100}){100}", "[b-a]"})
  void patternThatIsNotMatchedInLinearTime_isRefusedByFieldAndText(String text) {
    assertThatThrownBy(() -> ModulePatterns.of("config: alpha_pattern", Map.of(text, 1.0)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("config: alpha_pattern: expected a ")
        .hasMessageContaining("'" + text + "'");
  }

  /** Backtracking would take 2^30 steps and more for each name. */
  @ParameterizedTest
  @ValueSource(strings = {"(.|.*)*x", "(a*)*b", "(.*)*(.*)*(.*)*y", "(|)(|)(|)(.|.)*z"})
  void patternThatBacktracksForever_isMatchedAllTheSame(String text) {
    ModulePatterns patterns = ModulePatterns.of("config", Map.of(text, 1.0));
    assertThat(patterns.find("a".repeat(2000))).isEmpty();
  }

  @Test
  void overlongPattern_isRefused() {
    assertThatThrownBy(() -> ModulePatterns.of("config", Map.of("a".repeat(1001), 1.0)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("at most 1000 characters");
  }
}
