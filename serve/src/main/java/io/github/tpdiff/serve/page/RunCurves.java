package io.github.tpdiff.serve.page;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.github.tpdiff.lora.report.CurveChart;
import io.github.tpdiff.lora.report.TrainingCurves;
import io.github.tpdiff.lora.train.TrainingLog;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.jetty.server.Request;

/**
 * Trainings in a folder and their curves, from the logs that they write; finished ones and those
 * that run now.
 *
 * <p>A run is known by its folder's path within the folder of runs; nothing else can be named.
 */
public final class RunCurves {
  /** Below the folder of runs: runs may lie in groups, as those of an experiment do. */
  private static final int DEPTH = 4;

  private static final int MOST_RUNS = 500;

  private final Path folder;

  /**
   * A run.
   *
   * @param name path of its folder
   * @param log its log
   * @param written when its log last was, in Unix seconds
   */
  private record Run(String name, Path log, long written) {}

  /**
   * @throws CheckpointException if it is no folder
   */
  public RunCurves(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException(
          "%s: expected a folder with output folders of trainings, found none".formatted(folder));
    }
    this.folder = folder;
  }

  /** Adds {@code /v1/runs} and {@code /v1/runs/curves?name=} to the paths of a service. */
  public void mount(Routes routes) {
    routes.add("GET", "/v1/runs", this::list);
    routes.add("GET", "/v1/runs/curves", this::curves);
  }

  private void list(Routes.Exchange call) throws IOException {
    var list = JsonNodeFactory.instance.objectNode();
    list.put("object", "list");
    var data = list.putArray("data");
    for (Run run : runs()) {
      data.addObject().put("name", run.name).put("written", run.written);
    }
    Replies.json(call.response(), call.callback(), 200, list);
  }

  private void curves(Routes.Exchange call) throws Exception {
    String name =
        Optional.ofNullable(Request.extractQueryParameters(call.request()).getValue("name"))
            .orElseThrow(() -> Refusal.of(Kind.INVALID, "name", "name: expected a run"));
    Run run =
        runs().stream()
            .filter(known -> known.name.equals(name))
            .findFirst()
            .orElseThrow(
                () -> Refusal.of(Kind.NOT_FOUND, "name", "name: no run '%s'".formatted(name)));
    var curves = new TrainingCurves();
    try {
      TrainingLog.read(run.log, curves::add);
    } catch (CheckpointException damaged) {
      String said = String.valueOf(damaged.getMessage());
      throw Refusal.of(Kind.CONFLICT, said.replace(folder + "/", ""));
    }
    String charts = curves.charts().stream().map(CurveChart::html).collect(Collectors.joining());
    var body = new Replies.Body(200, "text/html; charset=utf-8", charts);
    Replies.bytes(call.response(), call.callback(), body);
  }

  /** The runs there are now, the last written first. */
  private List<Run> runs() throws IOException {
    try (Stream<Path> files = Files.find(folder, DEPTH, (file, about) -> about.isRegularFile())) {
      return files
          .filter(file -> file.endsWith(TrainingLog.FILE))
          .limit(MOST_RUNS)
          .map(this::run)
          .sorted(Comparator.comparingLong(Run::written).reversed().thenComparing(Run::name))
          .toList();
    } catch (UncheckedIOException unreadable) {
      throw unreadable.getCause();
    }
  }

  private Run run(Path log) {
    String name = folder.relativize(log).toString().replace('\\', '/');
    String own = name.contains("/") ? name.substring(0, name.lastIndexOf('/')) : ".";
    try {
      return new Run(own, log, Files.getLastModifiedTime(log).toMillis() / 1000);
    } catch (IOException gone) {
      throw new UncheckedIOException(gone);
    }
  }
}
