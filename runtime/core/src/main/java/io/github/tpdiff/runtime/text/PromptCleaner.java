package io.github.tpdiff.runtime.text;

import java.util.regex.Pattern;

/**
 * Cleans a prompt the way Wan's pipelines do before tokenizing: repair the text as {@code
 * ftfy.fix_text} would, unescape HTML twice, and leave single spaces between words.
 *
 * <p>A checkpoint was trained on captions cleaned like this, so a prompt that differs only in curly
 * quotes, full-width letters or mojibake must give the same tokens.
 */
public final class PromptCleaner {
  /** The members of Python's {@code \s} for text, which Java's {@code \s} lacks in part. */
  static final String SPACE =
      "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

  private static final Pattern SPACES = Pattern.compile("[" + SPACE + "]+");
  private static final Pattern OUTER_SPACES =
      Pattern.compile("^[" + SPACE + "]+|[" + SPACE + "]+\\z");

  private PromptCleaner() {}

  /** Returns the prompt cleaned; cleaning a cleaned prompt may unescape it once more. */
  public static String clean(String prompt) {
    var repaired = TextRepair.repair(prompt);
    var unescaped = HtmlEntities.unescape(HtmlEntities.unescape(repaired));
    var spaced = SPACES.matcher(strip(unescaped)).replaceAll(" ");
    return strip(spaced);
  }

  private static String strip(String text) {
    return OUTER_SPACES.matcher(text).replaceAll("");
  }
}
