package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Text to mp4 from an exported folder. */
@Command(
    name = "run",
    description = "Makes a video from text with an exported folder, on ONNX Runtime.",
    footer = {
      "  tpdiff run exported --prompt \"a red ball rolls to the right\"",
      "  tpdiff run exported --prompt \"a red ball\" --steps 20 --guidance 1 -o ball.mp4"
    })
final class RunCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "EXPORT", description = "A folder that tpdiff export wrote.")
  private Path folder;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu or cuda; auto takes CUDA where it works (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.AUTO;

  @Mixin private PromptOptions prompt = new PromptOptions();
  @Mixin private VideoOptions video = new VideoOptions();

  @Override
  public Integer call() throws IOException {
    Path out = prompt.out();
    try (OnnxEngine engine = EngineOptions.openOnnx(device);
        ExportedFolder parts = ExportedFolder.open(folder, engine)) {
      var request = video.request(parts.description(), prompt);
      new VideoPipeline(parts).stages(request);
      requireOpens(parts);
      GenerateCommand.write(
          spec, engine, parts, new GenerateCommand.Job(request, out, prompt.sheet()));
    }
    return ExitCode.DONE;
  }

  /** Opens what is needed last first: a damaged file should not show after all sampling. */
  private void requireOpens(ExportedFolder parts) {
    GenerateCommand.requireGenerates(folder, parts.roles());
    parts.tokenizer();
    parts.load(Role.VAE_DECODER_NEXT).close();
    parts.load(Role.DENOISER).close();
  }
}
