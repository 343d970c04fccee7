package io.github.tpdiff.spark;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.github.tpdiff.cli.ComputeOption;
import io.github.tpdiff.cli.EngineOptions;
import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.cli.LoraOptions;
import io.github.tpdiff.cli.PartOptions;
import io.github.tpdiff.cli.VideoOptions;
import io.github.tpdiff.lora.OpenedCheckpoint;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.WritablePlace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A table of requests to videos, and a table of what came of them. */
@Command(
    name = "generate",
    description = {
      "Makes a video of every row of a table of requests, on all executors.",
      "A row has the fields of `tpdiff generate --request`, and an id if it likes; where a table has"
          + " no nesting, a column video.width is the field width of video. Writes results.jsonl and"
          + " videos; rows that are done are kept."
    },
    footer = "  spark-submit tpdiff-spark.jar generate /shared/checkpoint --requests rows.parquet")
final class GenerateVerb implements Callable<Integer> {
  /** Folder of the videos. */
  static final String VIDEOS = "videos";

  private static final String RESULTS = "results.jsonl";

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "A checkpoint, which all machines have at the same place.")
  private Path folder;

  @Option(
      names = "--requests",
      paramLabel = "TABLE",
      required = true,
      description = "A .jsonl, .csv or .parquet, a file or folder that Spark can read.")
  private String requests;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FOLDER",
      defaultValue = "generated",
      description = "Where results go, the same on all machines (default ${DEFAULT-VALUE}).")
  private Path out;

  @Mixin private PartOptions parts = new PartOptions();
  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private VideoOptions video = new VideoOptions();
  @Mixin private EngineOptions engines = new EngineOptions();
  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() {
    WritablePlace.requireFolder(out);
    try (Cluster cluster = Cluster.open("tpdiff generate")) {
      List<VideoRow> rows =
          cluster
              .named("requests: " + requests, () -> table(cluster).toJSON().collectAsList())
              .stream()
              .map(this::row)
              .toList();
      Map<String, VideoRow> distinct = distinct(rows);
      List<String> items = distinct.values().stream().map(VideoRow::json).toList();
      List<String> made =
          cluster.make(
              "videos: %d requests".formatted(items.size()),
              Task.of(Task.Kind.VIDEOS, Verbs.arguments(spec)),
              items);
      return write(rows, results(distinct.keySet(), made));
    }
  }

  private Dataset<Row> table(Cluster cluster) {
    String path = Files.exists(Path.of(requests)) ? Path.of(requests).toUri().toString() : requests;
    var reader = cluster.session().read();
    String ending = requests.replaceFirst("/+$", "").replaceFirst("^.*\\.", "");
    return switch (ending) {
      case "jsonl", "json" -> reader.json(path);
      case "csv" ->
          reader
              .option("header", true)
              .option("inferSchema", true)
              .option("multiLine", true)
              .option("escape", "\"")
              .csv(path);
      case "parquet" -> reader.parquet(path);
      default ->
          throw new IllegalArgumentException(
              "--requests: expected a name ending in .jsonl, .csv or .parquet, found " + requests);
    };
  }

  private VideoRow row(String json) {
    try {
      return VideoRow.of(json);
    } catch (CheckpointException wrong) {
      throw new CheckpointException(requests + ": " + wrong.getMessage(), wrong);
    }
  }

  private Map<String, VideoRow> distinct(List<VideoRow> rows) {
    var distinct = new LinkedHashMap<String, VideoRow>();
    for (VideoRow row : rows) {
      VideoRow before = distinct.putIfAbsent(row.id(), row);
      if (before != null && !before.equals(row)) {
        throw new CheckpointException(
            "%s: id: expected another in each row, found '%s' for two requests"
                .formatted(requests, row.id()));
      }
    }
    return distinct;
  }

  private static Map<String, String> results(Set<String> ids, List<String> made) {
    var results = new HashMap<String, String>();
    int at = 0;
    for (String id : ids) {
      results.put(id, made.get(at++));
    }
    return results;
  }

  /** Writes the table of results, by the rows' ids. */
  private int write(List<VideoRow> rows, Map<String, String> results) {
    var table = new StringBuilder();
    long refused = 0;
    for (VideoRow row : rows) {
      String result = requireNonNull(results.get(row.id()));
      refused += VideoResult.parse(result, row.id()).error().isPresent() ? 1 : 0;
      table.append(result).append('\n');
    }
    Path file = out.resolve(RESULTS);
    AtomicFile.write(file, table.toString().getBytes(UTF_8));
    spec.commandLine()
        .getOut()
        .printf(
            "%d of %d requests made, %d refused: %s%n",
            rows.size() - refused, rows.size(), refused, file);
    spec.commandLine().getOut().flush();
    return refused == 0 ? ExitCode.DONE : ExitCode.CHECK_FAILED;
  }

  static Workshop open(List<String> arguments) {
    return new VideoWorkshop(Verbs.parse(new GenerateVerb(), arguments));
  }

  Engine openEngine() {
    return engines.open(compute);
  }

  OpenedCheckpoint openCheckpoint() {
    return lora.open(model());
  }

  ModelRequest model() {
    return parts.at(folder);
  }

  Optional<Path> weights() {
    return lora.weights();
  }

  /** What is asked by a row and the options; its paths are relative to the table. */
  GenerationRequest request(VideoRow row) {
    GenerationRequest said =
        GenerationRequest.JSON.parse(row.request(), row.id()).besides(Path.of(requests));
    GenerationRequest asked = video.over(said);
    return asked.withLoras(lora.choices(asked.loras()));
  }

  Path videos() {
    return out.resolve(VIDEOS);
  }
}
