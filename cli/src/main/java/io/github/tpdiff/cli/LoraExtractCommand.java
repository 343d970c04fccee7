package io.github.tpdiff.cli;

import io.github.tpdiff.lora.LoraExtraction;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the LoRA that comes nearest to the difference of two checkpoints. */
@Command(
    name = "extract",
    description = {
      "Writes the LoRA that comes nearest to the difference of two checkpoints of one network.",
      "Layers are decomposed one by one; says how much of the difference the LoRA does not hold."
    },
    footer = "  tpdiff lora extract base/unet tuned/unet lora.safetensors --rank 16")
final class LoraExtractCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "BASE",
      description = "The network's file or folder, such as MODEL/transformer.")
  private Path base;

  @Parameters(index = "1", paramLabel = "TUNED", description = "The same after training.")
  private Path tuned;

  @Parameters(index = "2", paramLabel = "TO", description = "The file, or for peft the folder.")
  private Path to;

  @Option(
      names = "--rank",
      defaultValue = "32",
      description = "Rank of every layer (default ${DEFAULT-VALUE}).")
  private int rank;

  @Option(
      names = "--format",
      defaultValue = "diffusers",
      description = "diffusers, peft, comfyui or kohya (default ${DEFAULT-VALUE}).")
  private LoraFormat format;

  @Option(
      names = "--dtype",
      defaultValue = "F32",
      description = "F32, F16 or BF16 (default ${DEFAULT-VALUE}).")
  private DType dtype;

  @Override
  public void run() {
    LoraCommand.requirePlace(to, format);
    PrintWriter err = spec.commandLine().getErr();
    LoraExtraction.Extracted extracted;
    try (TensorSource before = Checkpoint.open(base);
        TensorSource after = Checkpoint.open(tuned);
        ProgressMeter progress = ProgressMeter.start("extract", before.names().size(), err)) {
      extracted =
          LoraExtraction.of(
              before,
              after,
              new LoraExtraction.Request(
                  rank, new SplittableRandom(0), (module, done) -> progress.reached(done, module)));
    }
    List<String> cautions = LoraWriter.write(to, extracted.weights(), format, dtype);
    extracted.leftOut().stream()
        .limit(1)
        .forEach(
            first ->
                err.printf(
                    "tpdiff: caution: %d tensors differ that a LoRA does not change, such as %s%n",
                    extracted.leftOut().size(), first));
    cautions.forEach(caution -> err.println("tpdiff: caution: " + caution));
    err.flush();
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "wrote %s: %d modules; %.3g of their difference is left out%n",
        to, extracted.weights().pairs().size(), extracted.error());
    out.flush();
  }
}
