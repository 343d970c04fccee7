package io.github.tpdiff.serve;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What the page shows besides videos.
 *
 * @param runs a folder with output folders of trainings, whose curves are shown
 * @param commands by model, the command of {@code tpdiff} that makes a video with what its name
 *     stands for, {@code run} or {@code generate}; settings are copied with it
 */
public record PageSettings(Optional<Path> runs, Map<String, String> commands) {
  public PageSettings {
    commands = Map.copyOf(commands);
  }

  /** Nothing besides; settings are copied as those of a checkpoint. */
  public static PageSettings plain() {
    return new PageSettings(Optional.empty(), Map.of());
  }

  String command(String model) {
    return commands.getOrDefault(model, "generate");
  }
}
