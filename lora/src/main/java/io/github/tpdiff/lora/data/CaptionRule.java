package io.github.tpdiff.lora.data;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What is put before the captions of a data set.
 *
 * @param trigger a word that stands for what is learned: put in place of {@code [trigger]}, else
 *     before a caption that lacks it, with a comma; empty for none
 * @param prefix put before all that as it is, unless it is there already; empty for none
 */
public record CaptionRule(String trigger, String prefix) {
  private static final String PLACE = "[trigger]";

  public CaptionRule {
    trigger = trigger.strip();
  }

  /** Captions as they are. */
  public static CaptionRule none() {
    return new CaptionRule("", "");
  }

  /** The caption that is trained on. */
  String apply(String caption) {
    String triggered = withTrigger(caption);
    boolean isThere = triggered.startsWith(prefix.strip());
    return (isThere ? triggered : prefix + triggered).strip();
  }

  private String withTrigger(String caption) {
    if (trigger.isEmpty()) {
      return caption;
    }
    String placed = caption.replace(PLACE, trigger);
    return has(placed) ? placed : trigger + ", " + placed;
  }

  /** Whether the trigger stands in a text as words of its own, in capitals or not. */
  private boolean has(String text) {
    return Pattern.compile(
            "(?<![\\p{L}\\p{N}])"
                + Pattern.quote(trigger.toLowerCase(Locale.ROOT))
                + "(?![\\p{L}\\p{N}])")
        .matcher(text.toLowerCase(Locale.ROOT))
        .find();
  }

  /** What of captions is said to be changed; nothing if nothing is. */
  Optional<String> words() {
    if (equals(none())) {
      return Optional.empty();
    }
    String first = trigger.isEmpty() ? "" : "trigger '%s'".formatted(trigger);
    String second = prefix.isEmpty() ? "" : "prefix '%s'".formatted(prefix);
    return Optional.of(
        "captions with "
            + (first.isEmpty() || second.isEmpty() ? first + second : first + " and " + second));
  }
}
