package io.github.tpdiff.cli.doctor;

/**
 * One line of what was found.
 *
 * @param level how bad it is
 * @param subject what was looked at, in a word
 * @param text what was found; of a fault also what was expected and what to do
 */
record Finding(Level level, String subject, String text) {
  /** How bad. */
  enum Level {
    OK,
    /** It works, and could be better. */
    NOTE,
    /** Something will not work. */
    FAULT
  }

  static Finding ok(String subject, String text) {
    return new Finding(Level.OK, subject, text);
  }

  static Finding note(String subject, String text) {
    return new Finding(Level.NOTE, subject, text);
  }

  static Finding fault(String subject, String text) {
    return new Finding(Level.FAULT, subject, text);
  }

  boolean isFault() {
    return level == Level.FAULT;
  }

  /** For people. */
  String line() {
    String word = level == Level.OK ? "ok" : level == Level.NOTE ? "note" : "FAULT";
    return "%-5s  %-12s  %s".formatted(word, subject, text);
  }
}
