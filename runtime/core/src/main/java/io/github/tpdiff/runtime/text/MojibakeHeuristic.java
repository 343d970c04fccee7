package io.github.tpdiff.runtime.text;

import java.util.regex.Pattern;

/**
 * Tells whether text contains character sequences that hardly anyone writes but that UTF-8 read in
 * a one-byte encoding produces, such as a lowercase accented letter before a currency sign.
 *
 * <p>Categories and sequences are those of ftfy 6.3 (Robyn Speer, Apache License 2.0), whose
 * verdicts captions were cleaned with.
 */
final class MojibakeHeuristic {
  private static final String COMMON = "\u00a0\u00ad·´–—―…’";
  private static final String C1 = "\u0080-\u009f";
  private static final String BAD = "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\ufffdªº";
  private static final String LAW = "¶§";
  private static final String CURRENCY = "¢£¥₧€";
  private static final String START = "¡«¿©΄΅‘‚“„•‹\uf8ff";
  private static final String END = "®»˝”›™";
  private static final String NUMERIC = "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№";
  private static final String KAOMOJI = "Ò-ÖÙ-Üò-öø-üŐŌŪŲ°";
  private static final String UPPER = "À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ";
  private static final String LOWER = "ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ";
  private static final String UPPER_COMMON = "ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я";
  private static final String LOWER_COMMON = "α-ωάέήίΰа-џ";
  private static final String BOX = "│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓";

  private static final String SPACE = PromptCleaner.SPACE;
  private static final String NOT_BAD_SYMBOLS =
      LOWER + UPPER + BOX + START + END + CURRENCY + NUMERIC + LAW;
  private static final String CYRILLIC_MIDDLE = C1 + BAD + START + END + CURRENCY + "°µ";
  private static final String GREEK_MIDDLE = C1 + BAD + START + END + CURRENCY + "°";
  private static final String ARABIC_PAIR =
      "[ØÙ][" + COMMON + CURRENCY + BAD + NUMERIC + START + "ŸŠ®°µ»]";

  private static final Pattern UNLIKELY =
      Pattern.compile(
          String.join(
              "|",
              // Sequences of categories, whatever the encoding.
              "[" + C1 + "]",
              "[" + BAD + NOT_BAD_SYMBOLS + "][" + BAD + "]",
              "[a-zA-Z][" + LOWER_COMMON + UPPER_COMMON + "][" + BAD + "]",
              "[" + BAD + "][" + NOT_BAD_SYMBOLS + "]",
              "[" + LOWER + LOWER_COMMON + BOX + END + CURRENCY + NUMERIC + "][" + UPPER + "]",
              "[" + BOX + END + CURRENCY + NUMERIC + "][" + LOWER + "]",
              "[" + LOWER + BOX + END + "][" + CURRENCY + "]",
              "[" + SPACE + "][" + UPPER + "][" + CURRENCY + "]",
              "[" + UPPER + BOX + "][" + NUMERIC + LAW + "]",
              "[" + LOWER + UPPER + BOX + CURRENCY + END + "][" + START + "][" + NUMERIC + "]",
              "[" + LOWER + UPPER + CURRENCY + NUMERIC + BOX + LAW + "][" + END + "][" + START
                  + "]",
              "[" + CURRENCY + NUMERIC + BOX + "][" + START + "]",
              "[a-z][" + UPPER + "][" + START + CURRENCY + "]",
              "[" + BOX + "][" + KAOMOJI + END + "]",
              "[" + LOWER + UPPER + CURRENCY + NUMERIC + START + END + LAW + "][" + BOX + "]",
              "[" + LOWER + UPPER + "][" + START + END + "][\\p{L}\\p{N}_]",
              // Windows-1252 readings of common letters.
              "[Œœ][^A-Za-z]",
              "[" + UPPER + "]°",
              "[ÂÃÎÐ][€œŠš¢£Ÿž\u00a0\u00ad®©°·»" + START + END + "–—´]",
              "×[²³]",
              ARABIC_PAIR + ARABIC_PAIR,
              "à[²µ¹¼½¾]",
              // MacRoman.
              "√[±∂†≠®™´≤≥¥µø]",
              "≈[°¢]",
              "‚Ä[ìîïòôúùû†°¢π]",
              "‚[âó][àä°ê]",
              // Windows-1251: quotes, Cyrillic, CJK.
              "вЂ",
              "[ВГРС][" + CYRILLIC_MIDDLE + "][ВГРС]",
              "ГўВЂВ[^\\n][A-Za-z ]",
              // Letters whose second byte A0 has become a space.
              "Ã[\u00a0¡]",
              "[a-z][" + SPACE + "]?[ÃÂ] ",
              "^[ÃÂ] ",
              "[a-z.,?!" + END + "]Â[ " + START + END + "]",
              // Windows-1253, and quotes read as Windows-1257.
              "β€[™\u00a0Ά\u00ad®°]",
              "[ΒΓΞΟ][" + GREEK_MIDDLE + "][ΒΓΞΟ]",
              "ā€"));

  private MojibakeHeuristic() {}

  static boolean isBad(String text) {
    return UNLIKELY.matcher(text).find();
  }
}
