package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.shapes.ShapeFolder;
import io.github.tpdiff.evaluation.shapes.ShapeSet;
import io.github.tpdiff.runtime.picture.PictureSize;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Clips of moving shapes. */
@Command(
    name = "shapes",
    description = {
      "Writes clips of moving shapes, with captions that say what they show and the truth of each:"
          + " a data set on which a generated clip can be measured.",
      "Stopped, it goes on where it was."
    },
    footer = "  tpdiff data shapes shapes --clips 2000 --size 64x64 --frames 16")
final class ShapesCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "TO", description = "The folder to write; new, or of the same set.")
  private Path to;

  @Option(
      names = "--clips",
      defaultValue = "2000",
      paramLabel = "N",
      description = "How many (default ${DEFAULT-VALUE}).")
  private int clips;

  @Option(
      names = "--size",
      defaultValue = "64x64",
      paramLabel = "WIDTHxHEIGHT",
      description = "Pixels, even, at least 32 (default ${DEFAULT-VALUE}).")
  private String size;

  @Option(
      names = "--frames",
      defaultValue = "16",
      paramLabel = "N",
      description = "Of every clip (default ${DEFAULT-VALUE}).")
  private int frames;

  @Option(
      names = "--fps",
      defaultValue = "8",
      paramLabel = "N",
      description = "Frames per second (default ${DEFAULT-VALUE}).")
  private double fps;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "N",
      description = "Of everything random (default ${DEFAULT-VALUE}).")
  private long seed;

  @Override
  public Integer call() {
    PictureSize pixels = VideoOptions.pixels(size);
    var set = new ShapeSet(clips, pixels.width(), pixels.height(), frames, fps, seed);
    var folder = new ShapeFolder(to, set);
    int written;
    try (var progress = new ItemProgress("drawing", spec.commandLine().getErr())) {
      written = folder.write((done, total) -> progress.reached("clips", done, total));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%s: %d clips, %d of them new; captions and truth: %s%n",
        to, clips, written, to.resolve(ShapeFolder.METADATA));
    out.flush();
    return ExitCode.DONE;
  }
}
