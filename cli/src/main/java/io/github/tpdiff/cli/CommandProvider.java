package io.github.tpdiff.cli;

import java.util.List;
import java.util.ServiceLoader;

/**
 * Adds commands to {@code tpdiff} from another module; implementations are found through {@link
 * ServiceLoader}.
 */
public interface CommandProvider {
  /**
   * Objects annotated as picocli commands, each with a name. They implement {@code
   * Callable<Integer>} and return one of {@link ExitCode}; what they throw becomes one line on the
   * error stream, as {@link ErrorLines} says.
   */
  List<Object> commands();

  /** The commands of every provider on the class path. */
  static List<Object> provided() {
    return ServiceLoader.load(CommandProvider.class).stream()
        .flatMap(provider -> provider.get().commands().stream())
        .toList();
  }
}
