package io.github.tpdiff.serve.job;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Names of jobs: nobody guesses one, and each is also the name of a folder. */
public final class JobId {
  private static final int BYTES = 16;
  private static final Pattern FORM = Pattern.compile("video_[0-9a-f]{32}");

  private JobId() {}

  /** A new one. */
  public static String draw(SecureRandom random) {
    byte[] bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return "video_" + HexFormat.of().formatHex(bytes);
  }

  /** Whether a text could be one, and with it no path anywhere else. */
  public static boolean isOne(String text) {
    return FORM.matcher(text).matches();
  }
}
