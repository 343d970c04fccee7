package io.github.tpdiff.cli;

import io.github.tpdiff.serve.Limits;
import io.github.tpdiff.serve.ServeFile;
import io.github.tpdiff.serve.VideoFields;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What an operator says of a server, as options; what is not said is the file's. */
final class ServeOptions {
  @Option(
      names = "--model",
      paramLabel = "NAME=FOLDER",
      description =
          "A model by the name that clients ask for: a folder that tpdiff export wrote, or a"
              + " checkpoint. May be repeated; the first is that of who names none (default: the"
              + " file's).")
  private Map<String, Path> models = new LinkedHashMap<>();

  @Option(
      names = "--lora",
      paramLabel = "NAME=LORA",
      description =
          "A LoRA that clients may put on checkpoints, a file or PEFT folder. May be repeated"
              + " (default: none).")
  private Map<String, Path> loras = new LinkedHashMap<>();

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description =
          "Where it listens; 0.0.0.0 for other machines, which wants --keys (default 127.0.0.1).")
  private Optional<String> host = Optional.empty();

  @Option(names = "--port", description = "0 for any that is free (default 8420).")
  private Optional<Integer> port = Optional.empty();

  @Option(
      names = "--results",
      paramLabel = "FOLDER",
      description = "Of jobs and their videos (default results).")
  private Optional<Path> results = Optional.empty();

  @Option(
      names = "--keys",
      paramLabel = "FILE",
      description =
          "Keys, one a line, of which every request carries one in 'Authorization: Bearer KEY'"
              + " (default: none is asked for).")
  private Optional<Path> keys = Optional.empty();

  @Option(
      names = "--host-name",
      paramLabel = "NAME",
      description =
          "A name that the server is called by, besides addresses and localhost. May be repeated"
              + " (default: none).")
  private List<String> hostNames = List.of();

  @Option(
      names = "--origin",
      paramLabel = "ORIGIN",
      description =
          "Another site whose pages may ask, such as https://app.example. May be repeated (default:"
              + " none).")
  private List<String> origins = List.of();

  @Option(
      names = "--keep-hours",
      paramLabel = "HOURS",
      description = "How long results are kept (default 24).")
  private Optional<Double> keepHours = Optional.empty();

  @Option(
      names = "--grace",
      paramLabel = "SECONDS",
      description =
          "How long a stop waits for what runs; what has not ended is made by the next server on"
              + " this folder (default 30).")
  private Optional<Double> grace = Optional.empty();

  @Option(
      names = "--queue",
      paramLabel = "JOBS",
      description = "Jobs that wait; more are refused with 429 (default 16).")
  private Optional<Integer> queue = Optional.empty();

  @Option(
      names = "--most-pixels",
      paramLabel = "PIXELS",
      description = "Width times height that clients may ask for (default 2088960, 1920x1088).")
  private Optional<Integer> pixels = Optional.empty();

  @Option(
      names = "--most-frames",
      paramLabel = "FRAMES",
      description = "Frames that clients may ask for (default 257).")
  private Optional<Integer> frames = Optional.empty();

  @Option(
      names = "--most-steps",
      paramLabel = "STEPS",
      description = "Sampler steps that clients may ask for (default 100).")
  private Optional<Integer> steps = Optional.empty();

  @Option(
      names = "--most-body",
      paramLabel = "BYTES",
      description = "Of a request, pictures included (default 20971520).")
  private Optional<Integer> body = Optional.empty();

  /** What the options say. */
  ServeFile said() {
    var byName = new LinkedHashMap<String, ServeFile.Model>();
    models.forEach((name, path) -> byName.put(name, ServeFile.Model.of(path)));
    var named = new LinkedHashMap<String, ServeFile.Lora>();
    loras.forEach(
        (name, path) ->
            named.put(name, new ServeFile.Lora(path, Optional.empty(), Optional.empty())));
    return new ServeFile(
        host,
        port,
        results,
        keys,
        hostNames,
        origins,
        keepHours,
        grace,
        Optional.empty(),
        byName,
        named,
        VideoFields.open(),
        new Limits(
            pixels,
            frames,
            steps,
            Optional.empty(),
            body,
            Optional.empty(),
            Optional.empty(),
            queue,
            Optional.empty()));
  }
}
