package io.github.tpdiff.cli;

import io.github.tpdiff.lora.OpenedCheckpoint;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.MagCache;
import io.github.tpdiff.runtime.diffusion.MagCalibration;
import io.github.tpdiff.runtime.diffusion.MagRecorder;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.ContactSheet;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.PlannedVideo;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.WritablePlace;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** How much predictions change from step to step, for {@code --magcache}. */
@Command(
    name = "calibrate",
    description =
        "Makes a video twice, in whole and with the predictions left out that hardly change, and"
            + " writes what --magcache of generate and run reads.",
    footer = {
      "  tpdiff calibrate checkpoint --prompt \"a red ball\" -o mag.json",
      "  tpdiff calibrate exported --prompt \"a red ball\" --steps 30 --sheet mag.png"
    })
final class CalibrateCommand implements Callable<Integer> {
  private static final int SHEET_COLUMNS = 9;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "A checkpoint, or a folder that tpdiff export wrote.")
  private Path folder;

  @Option(
      names = {"-o", "--out"},
      defaultValue = "magcache.json",
      description = "The file to write (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--sheet",
      paramLabel = "PNG",
      description =
          "Also writes a picture of frames of both videos, the whole one above (default: none).")
  private Optional<Path> sheet = Optional.empty();

  @Mixin private PartOptions parts = new PartOptions();
  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private PromptOptions prompt = new PromptOptions();
  @Mixin private VideoOptions video = new VideoOptions();
  @Mixin private EngineOptions engines = new EngineOptions();
  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() throws IOException {
    WritablePlace.requireFile(out);
    GenerationRequest asked = video.over(prompt.request());
    requireWhole(asked.sampling());
    if (ExportedFolder.recognises(folder)) {
      try (OnnxEngine engine = engines.openOnnx();
          PipelineParts opened = ExportedFolder.opener(folder, engine).open(asked.loras())) {
        calibrate(engine, opened, asked);
      }
      return ExitCode.DONE;
    }
    try (OpenedCheckpoint checkpoint = lora.open(parts.at(folder))) {
      VideoModel model = checkpoint.with(lora.choices(asked.loras()));
      try (Engine engine = engines.open(compute);
          PipelineParts opened = PipelineParts.of(model, engine)) {
        calibrate(engine, opened, asked);
      }
    }
    return ExitCode.DONE;
  }

  private static void requireWhole(SamplingChoice sampling) {
    if (sampling.guidanceInterval().isPresent() || sampling.magcache().isPresent()) {
      throw new IllegalArgumentException(
          "%s: every step is calibrated; leave it out here, it may be said when videos are made"
              .formatted(sampling.magcache().isPresent() ? "--magcache" : "--guidance-interval"));
    }
  }

  /** One of the two videos. */
  private record Made(Latents latents, double seconds, VideoClip clip) {}

  private void calibrate(Engine engine, PipelineParts opened, GenerationRequest asked)
      throws IOException {
    PrintWriter printed = spec.commandLine().getOut();
    printed.println("engine: " + engine.description());
    printed.flush();
    var pipeline = new VideoPipeline(opened);
    PlannedVideo planned = pipeline.plan(asked.of(opened));
    MagCalibration.requireOnce(Samplers.nameOf(planned.sampler().sampler()));
    var recorder = new MagRecorder();
    Made whole = make(pipeline, planned.reusing(recorder));
    MagCalibration calibration =
        recorder.calibration(opened.description().family(), planned.sampler().sampler());
    RecordJson.MAGCACHE.write(out, calibration);
    // Planned anew, as noise is drawn from its source once.
    PlannedVideo cached =
        pipeline
            .plan(asked.of(opened))
            .reusing(new MagCache(calibration, video.magCacheOptions().of(out).limits()));
    Made reused = make(pipeline, cached);
    new CalibrationText(printed).print(calibration);
    MagCacheOptions.print(printed, cached);
    printed.printf(
        Locale.ROOT,
        "whole %.2f s, with magcache %.2f s: %.2f times faster; latents differ by %.2g of their"
            + " norm, frames by %.1f dB PSNR%n",
        whole.seconds(),
        reused.seconds(),
        whole.seconds() / reused.seconds(),
        CalibrationText.relative(reused.latents(), whole.latents()),
        CalibrationText.psnr(reused.clip(), whole.clip()));
    if (sheet.isPresent()) {
      new ContactSheet(SHEET_COLUMNS).add(whole.clip()).add(reused.clip()).write(sheet.get());
    }
    printed.println("wrote " + out + sheet.map(png -> " and " + png).orElse(""));
    printed.flush();
  }

  private Made make(VideoPipeline pipeline, PlannedVideo planned) {
    try (var times = new StageTimes(spec.commandLine().getErr())) {
      GeneratedVideo made = pipeline.generate(planned, times);
      return new Made(made.latents(), times.secondsAfterFirst(), made.clip());
    }
  }
}
