package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.data.ClipList;
import io.github.tpdiff.evaluation.data.ClipSource;
import io.github.tpdiff.evaluation.data.MsrVtt;
import io.github.tpdiff.evaluation.data.NumberRange;
import io.github.tpdiff.evaluation.data.OpenVid;
import io.github.tpdiff.evaluation.data.OpenVid.Column;
import io.github.tpdiff.evaluation.data.PlainFolder;
import io.github.tpdiff.evaluation.data.Selection;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Data sets, as they are published or made, into what jobs train on. */
@Command(
    name = "data",
    description = "Makes lists that jobs take of published data sets, and clips of known truth.",
    subcommands = {
      DataCommand.OpenVidCommand.class,
      DataCommand.MsrVttCommand.class,
      DataCommand.FolderCommand.class,
      ShapesCommand.class
    })
final class DataCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected openvid, msrvtt, folder or shapes");
  }

  /** What is written of every source. */
  static final class ListOptions {
    @Option(
        names = {"-o", "--out"},
        required = true,
        paramLabel = "LIST.jsonl",
        description =
            "The list to write, for data.path of a job; beside it LIST.manifest.json says where it"
                + " came from and what each rule left out.")
    private Path out;

    @Option(
        names = "--most",
        paramLabel = "N",
        description = "At most so many clips, the first ones (default: all).")
    private Optional<Integer> most = Optional.empty();

    @Option(names = "--no-hashes", description = "Does not read the videos for their SHA-256.")
    private boolean noHashes;

    int write(ClipSource source, Path videos, CommandSpec command) throws IOException {
      PrintWriter lines = command.commandLine().getOut();
      var list = new ClipList(out, videos, most, !noHashes);
      Selection selection = list.write(source, clips -> {});
      selection.table().forEach(lines::println);
      lines.printf("wrote %s and %s%n", list.file(), list.manifest());
      lines.flush();
      return ExitCode.DONE;
    }
  }

  /** Ranges as the command line has them. */
  static final class RangeConverter implements ITypeConverter<NumberRange> {
    @Override
    public NumberRange convert(String text) {
      try {
        return NumberRange.parse(text);
      } catch (IllegalArgumentException wrong) {
        throw new TypeConversionException(wrong.getMessage());
      }
    }
  }

  /** OpenVid-1M. */
  @Command(
      name = "openvid",
      description = {
        "Makes a list of OpenVid-1M's CSV, its scores as filters.",
        "A range is 5, at least that; ..20, at most that; or 5..20."
      },
      footer = "  tpdiff data openvid OpenVid-1M.csv --videos dir --aesthetic 5 -o list.jsonl")
  static final class OpenVidCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "CSV", description = "OpenVid-1M.csv or OpenVidHD.csv, as published.")
    private Path csv;

    @Option(
        names = "--videos",
        required = true,
        paramLabel = "DIR",
        description = "The folder of its videos.")
    private Path videos;

    @Option(
        names = "--aesthetic",
        paramLabel = "RANGE",
        converter = RangeConverter.class,
        description = "Of the aesthetic score (default: any).")
    private Optional<NumberRange> aesthetic = Optional.empty();

    @Option(
        names = "--motion",
        paramLabel = "RANGE",
        converter = RangeConverter.class,
        description = "Of the motion score (default: any).")
    private Optional<NumberRange> motion = Optional.empty();

    @Option(
        names = "--consistency",
        paramLabel = "RANGE",
        converter = RangeConverter.class,
        description = "Of the temporal consistency score (default: any).")
    private Optional<NumberRange> consistency = Optional.empty();

    @Option(
        names = "--frames",
        paramLabel = "RANGE",
        converter = RangeConverter.class,
        description = "Of how many frames a clip has (default: any).")
    private Optional<NumberRange> frames = Optional.empty();

    @Option(
        names = "--fps",
        paramLabel = "RANGE",
        converter = RangeConverter.class,
        description = "Of its frames per second (default: any).")
    private Optional<NumberRange> fps = Optional.empty();

    @Option(
        names = "--seconds",
        paramLabel = "RANGE",
        converter = RangeConverter.class,
        description = "Of its length (default: any).")
    private Optional<NumberRange> seconds = Optional.empty();

    @Option(
        names = "--camera-motion",
        split = ",",
        paramLabel = "WORD",
        description = "Kinds of camera motion that are taken, such as static (default: all).")
    private Set<String> cameraMotions = new LinkedHashSet<>();

    @Mixin private ListOptions list = new ListOptions();

    @Override
    public Integer call() throws IOException {
      Map<Column, NumberRange> ranges = new EnumMap<>(Column.class);
      aesthetic.ifPresent(range -> ranges.put(Column.AESTHETIC, range));
      motion.ifPresent(range -> ranges.put(Column.MOTION, range));
      consistency.ifPresent(range -> ranges.put(Column.CONSISTENCY, range));
      frames.ifPresent(range -> ranges.put(Column.FRAMES, range));
      fps.ifPresent(range -> ranges.put(Column.FPS, range));
      seconds.ifPresent(range -> ranges.put(Column.SECONDS, range));
      return list.write(new OpenVid(csv, ranges, cameraMotions), videos, spec);
    }
  }

  /** MSR-VTT. */
  @Command(
      name = "msrvtt",
      description = "Makes a list of MSR-VTT's JSON, one caption for each clip, by a rule.",
      footer = "  tpdiff data msrvtt msrvtt.json --videos dir --split test -o test.jsonl")
  static final class MsrVttCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "JSON", description = "The file of videos and sentences.")
    private Path json;

    @Option(
        names = "--videos",
        required = true,
        paramLabel = "DIR",
        description = "The folder of its videos, VIDEO_ID.mp4.")
    private Path videos;

    @Option(
        names = "--split",
        paramLabel = "NAME",
        description = "train, validate or test (default: all).")
    private Optional<String> split = Optional.empty();

    @Option(
        names = "--caption",
        defaultValue = "first",
        paramLabel = "RULE",
        description =
            "first, of the least sen_id; longest, of the most words; or seeded, chosen by --seed"
                + " (default ${DEFAULT-VALUE}).")
    private MsrVtt.Choice choice = MsrVtt.Choice.FIRST;

    @Option(
        names = "--seed",
        defaultValue = "0",
        description = "Of --caption seeded (default ${DEFAULT-VALUE}).")
    private long seed;

    @Mixin private ListOptions list = new ListOptions();

    @Override
    public Integer call() throws IOException {
      return list.write(new MsrVtt(json, split, choice, seed), videos, spec);
    }
  }

  /** Any folder. */
  @Command(
      name = "folder",
      description = "Makes a list, with hashes, of a folder or list as jobs take it.",
      footer = "  tpdiff data folder clips -o clips.jsonl")
  static final class FolderCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "CLIPS", description = "A folder of videos and captions, or a list.")
    private Path clips;

    @Mixin private ListOptions list = new ListOptions();

    @Override
    public Integer call() throws IOException {
      Path source = clips.toAbsolutePath().normalize();
      Path videos = Files.isDirectory(source) ? source : source.resolveSibling("").normalize();
      return list.write(new PlainFolder(clips), videos, spec);
    }
  }
}
