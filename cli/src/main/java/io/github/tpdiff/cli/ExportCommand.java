package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportCheck;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportRequest.Loras;
import io.github.tpdiff.runtime.onnx.ExportRequest.Weights;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.onnx.OnnxFlavour;
import io.github.tpdiff.runtime.onnx.Precision;
import io.github.tpdiff.runtime.onnx.Precisions;
import io.github.tpdiff.runtime.pipeline.PartsComparison;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.WritablePlace;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** A checkpoint to ONNX. */
@Command(
    name = "export",
    description = "Writes a folder of ONNX graphs with everything that inference needs.",
    footer = {
      "  tpdiff export checkpoint fast --sigmas 1,0.9375,0.8333,0.625 --guidance 1",
      "  tpdiff export checkpoint exported --lora lora.safetensors --check",
      "  tpdiff export checkpoint exported --stages 3 --precision int8,vae=keep"
    })
final class ExportCommand implements Callable<Integer> {
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
      paramLabel = "WORDS",
      defaultValue = "keep",
      converter = PrecisionsConverter.class,
      description = {
        "In which numbers layers are stored and computed: one word for all, and COMPONENT=WORD with"
            + " commas between; vae is both halves of the autoencoder (default ${DEFAULT-VALUE}).",
        "keep: stored as in the checkpoint, computed in fp32; fp32; bf16, fp16: stored and computed"
            + " so; int8, fp8: stored so with a scale for each output channel, computed in fp32."
      })
  private Precisions precisions = Precisions.all(Precision.KEEP);

  @Option(
      names = "--in-place",
      description = "Hard links to the checkpoint's files in place of copies, where that works.")
  private boolean inPlace;

  @Option(
      names = "--standard",
      description = "Only standard ONNX operators: slower, runs on other runtimes too.")
  private boolean standard;

  @Option(
      names = "--takes-loras",
      description =
          "The export takes LoRAs when it runs, and switches them without opening its graphs again:"
              + " run --lora, serve --lora. Those of --lora here are merged all the same.")
  private boolean takesLoras;

  @Option(
      names = "--check",
      description =
          "Opens every graph with strict shape inference and compares the export with torch in fp32:"
              + " text encoder, each stage of the denoiser, autoencoder. Writes the errors into the"
              + " folder (tpdiff_check.json). Exits with 1 where one is above its precision's tolerance.")
  private boolean check;

  @Mixin private PartOptions parts = new PartOptions();
  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private SchedulerOption scheduler = new SchedulerOption();
  @Mixin private StageOptions stages = new StageOptions();
  @Mixin private StepOptions steps = new StepOptions();

  @Override
  public Integer call() {
    WritablePlace.requireNewFolder(to);
    LoraOptions.Trained trained = lora.read();
    VideoModel base = Families.open(parts.at(folder));
    try (VideoModel opened =
        keepsDenoisers(base) ? trained.merged(base) : trained.mergedInFp32(base)) {
      VideoModel model =
          opened.withDescription(steps.choice().asDefaultsOf(scheduler.of(opened.description())));
      var request =
          ExportRequest.of(stages.choice())
              .withPrecisions(precisions)
              .withWeights(inPlace ? Weights.IN_PLACE : Weights.COPY)
              .withFlavour(standard ? OnnxFlavour.STANDARD : OnnxFlavour.FUSED)
              .withLoras(takesLoras ? Loras.AT_RUN_TIME : Loras.MERGED);
      Decided decided = ExportedFolder.write(model, to, request);
      PrintWriter out = spec.commandLine().getOut();
      int count = decided.stages().stages();
      out.printf("wrote %s: %s%n", to, count == 1 ? "1 stage" : count + " stages");
      out.flush();
      StageOptions.printDifferences(spec.commandLine().getErr(), decided);
      return check ? check(model, decided.stages()) : ExitCode.DONE;
    }
  }

  /** What is rounded when it is stored is not rounded before, when LoRAs are merged. */
  private boolean keepsDenoisers(VideoModel base) {
    return base.description().flow().denoisers().stream()
        .allMatch(expert -> precisions.of(expert.component()) == Precision.KEEP);
  }

  private int check(VideoModel model, StageConfig stages) {
    PrintWriter out = spec.commandLine().getOut();
    try (TorchEngine torch = TorchEngine.cpu();
        OnnxEngine onnx = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder exported = ExportedFolder.open(to, onnx)) {
      exported.check();
      out.printf("%d graphs pass strict shape inference%n", exported.components().size());
      var checked =
          ExportCheck.of(
              PartsComparison.small(model, stages)
                  .compare(PipelineParts.of(model, torch), exported),
              precisions);
      checked.write(to);
      int width = checked.parts().stream().mapToInt(own -> own.part().length()).max().orElse(0);
      for (ExportCheck.Part own : checked.parts()) {
        out.printf(
            Locale.ROOT,
            "%-4s  %-" + Math.max(32, width) + "s  %-4s  max error %.1e (tolerance %.0e)%n",
            own.passes() ? "ok" : "FAIL",
            own.part(),
            own.precision().word(),
            own.maxError(),
            own.precision().tolerance());
      }
      out.flush();
      PrintWriter err = spec.commandLine().getErr();
      checked.parts().stream().flatMap(own -> own.complaint().stream()).forEach(err::println);
      err.flush();
      return checked.passes() ? ExitCode.DONE : ExitCode.CHECK_FAILED;
    }
  }

  private static final class PrecisionsConverter implements ITypeConverter<Precisions> {
    @Override
    public Precisions convert(String words) {
      try {
        return Precisions.parse(words);
      } catch (IllegalArgumentException wrong) {
        throw new TypeConversionException(wrong.getMessage());
      }
    }
  }
}
