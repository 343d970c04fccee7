package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportRequest.Precision;
import io.github.tpdiff.runtime.onnx.ExportRequest.Weights;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.onnx.OnnxFlavour;
import io.github.tpdiff.runtime.pipeline.PartsComparison;
import io.github.tpdiff.runtime.pipeline.PartsComparison.PartError;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.WritablePlace;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
    description = "Writes a folder of ONNX graphs with everything that inference needs.",
    footer = {
      "  tpdiff export checkpoint exported --lora lora.safetensors --check",
      "  tpdiff export checkpoint exported --stages 3 --precision f16"
    })
final class ExportCommand implements Callable<Integer> {
  /** Of the largest value: rounding of fp32 arithmetic in another order. */
  private static final double MOST_ERROR = 1e-4;

  /** Weights stored in 11 bits of mantissa differ by 5e-4 already. */
  private static final double MOST_ERROR_F16 = 1e-2;

  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "A checkpoint: a folder as published, or a file of several networks.")
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

  @Option(
      names = "--check",
      description =
          "Opens every graph with strict shape inference and compares the export with torch: text"
              + " encoder, each stage of the denoiser, autoencoder. Exits with 1 where they differ.")
  private boolean check;

  @Mixin private PartOptions parts = new PartOptions();
  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private SchedulerOption scheduler = new SchedulerOption();
  @Mixin private StageOptions stages = new StageOptions();

  @Override
  public Integer call() {
    WritablePlace.requireNewFolder(to);
    LoraOptions.Trained trained = lora.read();
    VideoModel base = Families.open(parts.at(folder));
    try (VideoModel opened =
        precision == Precision.F32 ? trained.mergedInFp32(base) : trained.merged(base)) {
      VideoModel model = opened.withDescription(scheduler.of(opened.description()));
      var request =
          ExportRequest.of(stages.choice())
              .withPrecision(precision)
              .withWeights(inPlace ? Weights.IN_PLACE : Weights.COPY)
              .withFlavour(standard ? OnnxFlavour.STANDARD : OnnxFlavour.FUSED);
      Decided decided = ExportedFolder.write(model, to, request);
      PrintWriter out = spec.commandLine().getOut();
      out.printf("wrote %s: %d stages%n", to, decided.stages().stages());
      out.flush();
      StageOptions.printDifferences(spec.commandLine().getErr(), decided);
      return check ? check(model, decided.stages()) : ExitCode.DONE;
    }
  }

  private int check(VideoModel model, StageConfig stages) {
    PrintWriter out = spec.commandLine().getOut();
    double limit = precision == Precision.F16 ? MOST_ERROR_F16 : MOST_ERROR;
    try (TorchEngine torch = TorchEngine.cpu();
        OnnxEngine onnx = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder exported = ExportedFolder.open(to, onnx)) {
      exported.check();
      out.printf("%d graphs pass strict shape inference%n", exported.components().size());
      List<PartError> errors =
          PartsComparison.small(model, stages).compare(PipelineParts.of(model, torch), exported);
      int width = errors.stream().mapToInt(error -> error.part().length()).max().orElse(0);
      for (PartError error : errors) {
        out.printf(
            Locale.ROOT,
            "%-4s  %-" + Math.max(32, width) + "s  max error %.1e (tolerance %.0e)%n",
            error.maxError() <= limit ? "ok" : "FAIL",
            error.part(),
            error.maxError(),
            limit);
      }
      out.flush();
      return errors.stream().allMatch(d -> d.maxError() <= limit)
          ? ExitCode.DONE
          : ExitCode.CHECK_FAILED;
    }
  }
}
