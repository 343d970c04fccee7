package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportRequest.Precision;
import io.github.tpdiff.runtime.onnx.ExportRequest.Weights;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxFlavour;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A checkpoint to ONNX. */
@Command(
    name = "export",
    description = "Writes a folder of ONNX graphs with everything that inference needs.")
final class ExportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "A checkpoint folder.")
  private Path folder;

  @Parameters(index = "1", paramLabel = "TO", description = "The folder to write; new or empty.")
  private Path to;

  @Option(
      names = "--precision",
      defaultValue = "keep",
      description = "How weights are stored: keep, f32 or f16 (default ${DEFAULT-VALUE}).")
  private Precision precision = Precision.KEEP;

  @Option(
      names = "--in-place",
      description = "Hard links to the checkpoint's files in place of copies, where that works.")
  private boolean inPlace;

  @Option(
      names = "--standard",
      description = "Only standard ONNX operators: slower, runs on other runtimes too.")
  private boolean standard;

  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private StageOptions stages = new StageOptions();

  @Override
  public Integer call() {
    LoraOptions.Trained trained = lora.read();
    try (VideoModel model = trained.merged(Families.open(folder))) {
      var request =
          ExportRequest.of(stages.config(model.description(), trained.stages()))
              .withPrecision(precision)
              .withWeights(inPlace ? Weights.IN_PLACE : Weights.COPY)
              .withFlavour(standard ? OnnxFlavour.STANDARD : OnnxFlavour.FUSED);
      ExportedFolder.write(model, to, request);
      PrintWriter out = spec.commandLine().getOut();
      out.printf("wrote %s: %d stages%n", to, request.stages().stages());
      out.flush();
    }
    return ExitCode.DONE;
  }
}
