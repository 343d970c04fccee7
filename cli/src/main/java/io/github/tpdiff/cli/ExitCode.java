package io.github.tpdiff.cli;

/** What the process tells its caller. */
public final class ExitCode {
  /** Done. */
  public static final int DONE = 0;

  /** A check failed. */
  public static final int CHECK_FAILED = 1;

  /** Wrong usage or input. */
  public static final int WRONG_INPUT = 2;

  /** An error of this program; a log file holds the details. */
  public static final int INTERNAL = 3;

  private ExitCode() {}
}
