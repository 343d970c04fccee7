package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.model.ModelRequest;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** What of a checkpoint lies elsewhere, and its family's own choices, as options. */
public final class PartOptions {
  @Option(
      names = "--part",
      paramLabel = "NAME=PATH",
      description =
          "A part of the checkpoint that lies elsewhere, a folder or a file, such as"
              + " vae=other/vae or motion_adapter=mm.ckpt; may be repeated (default:"
              + " all parts lie in the checkpoint).")
  private Map<String, Path> parts = new LinkedHashMap<>();

  @Option(
      names = "--set",
      paramLabel = "NAME=VALUE",
      description =
          "A choice that the checkpoint's family leaves to the user; inspect lists them and their"
              + " defaults. May be repeated.")
  private Map<String, String> settings = new LinkedHashMap<>();

  public ModelRequest at(Path path) {
    return new ModelRequest(path, parts, settings);
  }
}
