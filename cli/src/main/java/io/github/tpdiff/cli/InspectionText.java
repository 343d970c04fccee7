package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.CheckpointException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The fields of an inspection as lines for people; JSON has the same as numbers. */
final class InspectionText {
  private static final int MOST_LISTED = 8;
  private static final int LONGEST = 160;

  private InspectionText() {}

  static void print(PrintWriter out, Map<?, ?> fields) {
    print(out, "", fields);
  }

  private static void print(PrintWriter out, String indent, Map<?, ?> fields) {
    int width = fields.keySet().stream().mapToInt(key -> label(key).length()).max().orElse(0);
    fields.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> nested && !isOneLine(String.valueOf(key), nested)) {
            out.println(indent + label(key));
            print(out, indent + "  ", nested);
          } else {
            out.printf(
                "%s%-" + width + "s  %s%n", indent, label(key), words(String.valueOf(key), value));
          }
        });
  }

  private static String label(Object key) {
    return RecordJson.STAGES_HEADER.equals(key) ? "trained for" : String.valueOf(key);
  }

  private static boolean isOneLine(String key, Map<?, ?> map) {
    return map.isEmpty() || LINES.containsKey(key);
  }

  private interface Line {
    String of(Map<?, ?> fields);
  }

  /** What is better said in one line than field by field. */
  private static final Map<String, Line> LINES =
      Map.of(
          "dtypes",
          InspectionText::dtypes,
          "video",
          InspectionText::video,
          "sampling",
          InspectionText::sampling,
          "latents",
          InspectionText::latents,
          "stages",
          StageInspection::line,
          "clips by latent shape",
          InspectionText::clips);

  private static String words(String key, Object value) {
    if (value instanceof Map<?, ?> map && LINES.containsKey(key)) {
      return LINES.get(key).of(map);
    }
    if (key.equals("bytes") && value instanceof Number bytes) {
      return bytes(bytes.longValue());
    }
    if (key.equals("parameters") && value instanceof Number count) {
      return count(count.longValue());
    }
    if (value instanceof List<?> list) {
      return list(list);
    }
    if (value instanceof Map<?, ?>) {
      return "none";
    }
    String text = String.valueOf(value);
    return key.equals(RecordJson.STAGES_HEADER) ? trainedFor(text) : shortened(text);
  }

  private static String shortened(String text) {
    return text.length() <= LONGEST
        ? text
        : text.substring(0, LONGEST) + "… (%d characters)".formatted(text.length());
  }

  private static String list(List<?> list) {
    if (list.isEmpty()) {
      return "none";
    }
    String some =
        list.stream().limit(MOST_LISTED).map(String::valueOf).collect(Collectors.joining(", "));
    return list.size() <= MOST_LISTED ? some : some + " … %d in all".formatted(list.size());
  }

  private static String bytes(long bytes) {
    if (bytes < 1000) {
      return bytes + " bytes";
    }
    String[] units = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = bytes;
    int unit = -1;
    while (value >= 999.5) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, "%.3g %s", value, units[unit]);
  }

  private static String count(long count) {
    String exact = String.format(Locale.ROOT, "%,d", count);
    if (count < 1_000_000) {
      return exact;
    }
    return count < 1_000_000_000
        ? String.format(Locale.ROOT, "%.1f million (%s)", count / 1e6, exact)
        : String.format(Locale.ROOT, "%.1f billion (%s)", count / 1e9, exact);
  }

  private static String dtypes(Map<?, ?> tensors) {
    return tensors.size() == 1
        ? String.valueOf(tensors.keySet().iterator().next())
        : tensors.entrySet().stream()
            .map(entry -> "%s in %s tensors".formatted(entry.getKey(), entry.getValue()))
            .collect(Collectors.joining(", "));
  }

  private static String video(Map<?, ?> video) {
    return "%sx%s, %s frames at %s a second"
        .formatted(
            video.get("width"), video.get("height"), video.get("frames"), number(video.get("fps")));
  }

  private static String sampling(Map<?, ?> sampling) {
    return "%s steps, guidance %s, %s"
        .formatted(
            sampling.get("steps"), number(sampling.get("guidance")), sampling.get("scheduler"));
  }

  private static String latents(Map<?, ?> latents) {
    return "%s channels, each for %sx%2$s pixels of %s%s; at most %s frames of them"
        .formatted(
            latents.get("channels"),
            latents.get("pixels"),
            Integer.valueOf(1).equals(latents.get("frames"))
                ? "1 frame"
                : latents.get("frames") + " frames",
            Boolean.TRUE.equals(latents.get("first_frame_alone")) ? ", the first alone" : "",
            latents.get("most_frames"));
  }

  /** The plan in a header, in words where it is one. */
  private static String trainedFor(String header) {
    try {
      return StageInspection.line(
          StageInspection.fields(RecordJson.STAGES.parse(header, RecordJson.STAGES_HEADER)));
    } catch (CheckpointException noPlan) {
      return shortened(header);
    }
  }

  private static String clips(Map<?, ?> shapes) {
    return shapes.entrySet().stream()
        .limit(MOST_LISTED)
        .map(entry -> "%s of %s".formatted(entry.getValue(), entry.getKey()))
        .collect(Collectors.joining(", "));
  }

  private static String number(@Nullable Object value) {
    return String.valueOf(value).replaceFirst("\\.0$", "");
  }
}
