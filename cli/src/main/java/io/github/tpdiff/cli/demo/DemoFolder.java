package io.github.tpdiff.cli.demo;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import io.github.tpdiff.lora.job.ResolvedJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Where the demo puts what it makes. */
record DemoFolder(Path root) {
  /** Name of a job and of its output folder. */
  static final String PRETRAINING = "pretraining";

  /** Name of a job and of its output folder. */
  static final String LORA = "lora";

  private static final String MARKER = ".tpdiff-demo";

  /**
   * An empty folder; what an earlier demo left in it is deleted.
   *
   * @throws IllegalArgumentException if it holds anything else
   */
  static DemoFolder fresh(Path root) throws IOException {
    if (Files.exists(root.resolve(MARKER))) {
      MoreFiles.deleteRecursively(root, RecursiveDeleteOption.ALLOW_INSECURE);
    }
    Files.createDirectories(root);
    try (Stream<Path> entries = Files.list(root)) {
      if (entries.findAny().isPresent()) {
        throw new IllegalArgumentException(
            "--out: expected a new or empty folder, or one of an earlier demo; found files in "
                + root);
      }
    }
    Files.createFile(root.resolve(MARKER));
    return new DemoFolder(root);
  }

  Path clips() {
    return root.resolve("clips");
  }

  Path checkpoint() {
    return root.resolve("checkpoint");
  }

  /** What the pretraining's job leaves. */
  Path pretrained() {
    return root.resolve(PRETRAINING).resolve(ResolvedJob.WEIGHTS_FILE);
  }

  /** What the LoRA's job leaves. */
  Path lora() {
    return root.resolve(LORA).resolve(ResolvedJob.LORA_FILE);
  }

  Path export(String name) {
    return root.resolve("export-" + name);
  }

  /** The picture that the videos of a caption begin with. */
  Path picture(int caption) throws IOException {
    return Files.createDirectories(root.resolve("pictures")).resolve("%02d.png".formatted(caption));
  }

  Path video(String name) throws IOException {
    return Files.createDirectories(root.resolve("videos")).resolve(name + ".mp4");
  }

  Path contactSheet() {
    return root.resolve("contact-sheet.png");
  }

  Path report() {
    return root.resolve("report.html");
  }
}
