package io.github.tpdiff.runtime.media;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;

/**
 * What was retimed, dropped and cut to make a clip.
 *
 * @param startSeconds where the clip begins in the video
 * @param endSeconds where it ends
 * @param sourceFps mean rate of the video within the clip
 * @param variableFrameRate whether the video's rate varies within the clip
 * @param fps rate of the clip
 * @param droppedFrames frames of the video within the clip that it leaves out
 * @param repeatedFrames frames of the clip that repeat the one before, for want of another
 * @param scale factor from the video's shown height to the clip's, before cutting
 * @param cutColumns columns cut after scaling, both sides together
 * @param cutRows rows cut after scaling, both sides together
 */
public record ClipReport(
    double startSeconds,
    double endSeconds,
    double sourceFps,
    boolean variableFrameRate,
    double fps,
    int droppedFrames,
    int repeatedFrames,
    double scale,
    int cutColumns,
    int cutRows) {

  /** One line for a log. */
  public String summary() {
    return String.format(
        Locale.ROOT,
        "%s-%s s, %s fps%s to %s fps (%d frames dropped, %d repeated),"
            + " scaled by %s, %d columns and %d rows cut",
        number(startSeconds),
        number(endSeconds),
        number(sourceFps),
        variableFrameRate ? " (variable)" : "",
        number(fps),
        droppedFrames,
        repeatedFrames,
        number(scale),
        cutColumns,
        cutRows);
  }

  private static String number(double value) {
    return new DecimalFormat("0.###", DecimalFormatSymbols.getInstance(Locale.ROOT)).format(value);
  }
}
