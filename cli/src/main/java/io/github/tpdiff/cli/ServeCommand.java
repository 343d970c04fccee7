package io.github.tpdiff.cli;

import com.google.common.collect.Maps;
import io.github.tpdiff.lora.OpenedCheckpoint;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.serving.ModelOpener;
import io.github.tpdiff.serve.PageSettings;
import io.github.tpdiff.serve.ServeFile;
import io.github.tpdiff.serve.ServerSettings;
import io.github.tpdiff.serve.VideoServer;
import io.github.tpdiff.weights.NativeFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The HTTP service, until it is stopped. */
@Command(
    name = "serve",
    description = {
      "Makes videos for others over HTTP, as OpenAI's /v1/videos, until Ctrl-C or SIGTERM.",
      "docs/serve.md has every field, error and limit."
    },
    footer = {
      "  tpdiff serve --model wan=checkpoint --lora cats=lora.safetensors",
      "  tpdiff serve --model tiny=exported --host 0.0.0.0 --keys keys.txt",
      "  tpdiff serve serve.yaml"
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "FILE",
      arity = "0..1",
      description =
          "What the options say, and more, as YAML; options replace it (default: options alone).")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--runs",
      paramLabel = "FOLDER",
      description =
          "A folder with output folders of trainings, whose curves the page shows (default: none).")
  private Optional<Path> runs = Optional.empty();

  @Mixin private ServeOptions options = new ServeOptions();
  @Mixin private EngineOptions engines = new EngineOptions();
  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() throws IOException {
    ServeFile said = options.said().over(file.map(ServeFile::read).orElseGet(ServeFile::open));
    ServerSettings settings = said.settings();
    NativeFolder.ffmpeg().require();
    PrintWriter out = spec.commandLine().getOut();
    try (var stop = StopRequest.open();
        var openers = new Openers();
        VideoServer server =
            VideoServer.open(settings, openers.of(said.models()), page(said.models()))) {
      server.warning().ifPresent(spec.commandLine().getErr()::println);
      if (server.resumed() > 0) {
        out.println("jobs of before that are made again: " + server.resumed());
      }
      out.printf(
          "serving %s at %s, results in %s%n",
          String.join(", ", said.models().keySet()), server.address(), settings.results());
      out.flush();
      stop.await();
      out.println("stopping; what runs has " + settings.times().grace().toSeconds() + " s");
      out.flush();
    }
    return ExitCode.DONE;
  }

  private PageSettings page(Map<String, ServeFile.Model> models) {
    return new PageSettings(
        runs, Maps.transformValues(models, model -> isExport(model) ? "run" : "generate"));
  }

  private static boolean isExport(ServeFile.Model model) {
    return Files.isRegularFile(model.path().resolve(RecordJson.PIPELINE_FILE));
  }

  /** Models on engines, each opened when the first model needs it and closed after all. */
  private final class Openers implements AutoCloseable {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private Optional<Engine> forCheckpoints = Optional.empty();
    private Optional<OnnxEngine> forExports = Optional.empty();

    Map<String, ModelOpener> of(Map<String, ServeFile.Model> models) {
      var openers = new LinkedHashMap<String, ModelOpener>();
      models.forEach((name, model) -> openers.put(name, of(model)));
      return openers;
    }

    private ModelOpener of(ServeFile.Model model) {
      if (isExport(model)) {
        if (forExports.isEmpty()) {
          forExports = Optional.of(closing(engines.openOnnx()));
        }
        return ExportedFolder.opener(model.path(), forExports.get(), notes());
      }
      if (forCheckpoints.isEmpty()) {
        forCheckpoints = Optional.of(closing(engines.open(compute)));
      }
      return OpenedCheckpoint.open(model.request(), Optional.empty(), notes())
          .on(forCheckpoints.get());
    }

    private ReadLoras.Notes notes() {
      PrintWriter err = spec.commandLine().getErr();
      return (lora, tensors) -> LoraCommand.leftOut(err, lora, tensors);
    }

    private <T extends AutoCloseable> T closing(T engine) {
      opened.push(engine);
      return engine;
    }

    @Override
    public void close() throws IOException {
      while (!opened.isEmpty()) {
        try {
          opened.pop().close();
        } catch (Exception failure) {
          throw new IOException("an engine did not close", failure);
        }
      }
    }
  }
}
