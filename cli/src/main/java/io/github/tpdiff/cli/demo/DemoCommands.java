package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.CommandProvider;
import java.util.List;

/** Adds {@code tpdiff demo}. */
public final class DemoCommands implements CommandProvider {
  @Override
  public List<Object> commands() {
    return List.of(new DemoCommand());
  }
}
