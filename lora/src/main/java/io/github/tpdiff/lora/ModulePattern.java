package io.github.tpdiff.lora;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Which modules are meant: by the end of their dotted name ({@code to_q}, {@code attn1.to_out.0}),
 * as PEFT's {@code target_modules}; by a glob over the whole name ({@code blocks.*.ffn.**}, where
 * {@code *} stays within a part); or by a regular expression for the whole name ({@code
 * re:blocks\.[0-9]\..*}).
 */
public record ModulePattern(String text) {
  private static final String REGEX = "re:";

  /**
   * @throws IllegalArgumentException if the text is empty or no regular expression
   */
  public ModulePattern {
    if (text.isBlank()) {
      throw new IllegalArgumentException("module pattern: expected a name, found nothing");
    }
    compile(text);
  }

  public boolean matches(String module) {
    return compile(text).matcher(module).matches();
  }

  private static Pattern compile(String text) {
    if (text.startsWith(REGEX)) {
      try {
        return Pattern.compile(text.substring(REGEX.length()));
      } catch (PatternSyntaxException broken) {
        throw new IllegalArgumentException(
            "module pattern '%s': expected a regular expression after '%s': %s"
                .formatted(text, REGEX, broken.getDescription()),
            broken);
      }
    }
    return text.contains("*")
        ? Pattern.compile(globToRegex(text))
        : Pattern.compile("(.*\\.)?" + Pattern.quote(text));
  }

  private static String globToRegex(String glob) {
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      if (glob.startsWith("**", i)) {
        regex.append(".*");
        i++;
      } else if (glob.charAt(i) == '*') {
        regex.append("[^.]*");
      } else {
        regex.append(Pattern.quote(glob.substring(i, i + 1)));
      }
    }
    return regex.toString();
  }
}
