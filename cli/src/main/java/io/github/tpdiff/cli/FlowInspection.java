package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PictureUse;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a model is asked with, for those who are shown it. */
final class FlowInspection {
  private FlowInspection() {}

  /** What it takes beside texts, and its denoisers where it has several. */
  static Map<String, Object> of(Flow flow) {
    var fields = new LinkedHashMap<String, Object>();
    List<String> pictures = pictures(flow);
    if (!pictures.isEmpty()) {
      fields.put("pictures", pictures);
    }
    if (flow.denoisers().size() > 1) {
      fields.put(
          "denoisers",
          flow.denoisers().stream()
              .map(
                  denoiser ->
                      "%s from timestep %s"
                          .formatted(
                              flow.nameOf(denoiser.component()),
                              Math.round(denoiser.leastTimestep())))
              .toList());
    }
    return fields;
  }

  private static List<String> pictures(Flow flow) {
    if (flow.conditions(true).isEmpty()) {
      return List.of();
    }
    String first = needsPicture(flow) ? "the first is needed" : "the first may be given";
    return switch (last(flow)) {
      case NEVER -> List.of(first);
      case OPTIONAL -> List.of(first, "the last may be given");
      case ALWAYS -> List.of(first, "the last is needed");
    };
  }

  private static boolean needsPicture(Flow flow) {
    return flow.conditions(true).stream().anyMatch(condition -> !condition.optional());
  }

  private static PictureUse.Last last(Flow flow) {
    return flow.pictures().map(PictureUse::last).orElse(PictureUse.Last.NEVER);
  }

  /** A command that makes a video, with what it cannot do without. */
  static String command(String name, Path path, Flow flow) {
    var command = new StringBuilder("tpdiff %s %s --prompt TEXT".formatted(name, path));
    if (needsPicture(flow)) {
      command.append(" --picture FILE");
      if (last(flow) == PictureUse.Last.ALWAYS) {
        command.append(" --last-picture FILE");
      }
    }
    return command.toString();
  }
}
