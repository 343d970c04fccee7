package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
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
      "  tpdiff run exported --prompt \"a red ball\" --steps 20 --guidance 1 -o ball.mp4",
      "  tpdiff run exported --lora cats.safetensors --prompt \"a red ball\""
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

  @Mixin private LoraChoiceOptions lora = new LoraChoiceOptions();
  @Mixin private PromptOptions prompt = new PromptOptions();
  @Mixin private OutputOptions output = new OutputOptions();
  @Mixin private VideoOptions video = new VideoOptions();

  @Override
  public Integer call() throws IOException {
    Path out = output.out();
    GenerationRequest asked = video.over(prompt.request());
    try (OnnxEngine engine = EngineOptions.openOnnx(device);
        PipelineParts parts =
            ExportedFolder.opener(folder, engine, lora.notes()).open(lora.choices(asked.loras()))) {
      VideoRequest request = asked.of(parts);
      var pipeline = new VideoPipeline(parts);
      pipeline.plan(request);
      pipeline.requireComponents(request);
      requireOpens(parts);
      GenerateCommand.write(
          spec, engine, parts, new GenerateCommand.Job(request, out, output.sheet()));
    }
    return ExitCode.DONE;
  }

  /** Opens what is needed last first: a damaged file should not show after all sampling. */
  private void requireOpens(PipelineParts parts) {
    Flow flow = parts.description().flow();
    flow.texts().forEach(text -> parts.tokenizer(text.tokenizer()));
    parts.load(ComponentDescription.VAE_DECODER).close();
    flow.denoisers().forEach(expert -> parts.load(expert.component()).close());
  }
}
