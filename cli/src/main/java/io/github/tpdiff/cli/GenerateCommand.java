package io.github.tpdiff.cli;

import io.github.tpdiff.lora.OpenedCheckpoint;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.ContactSheet;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.PlannedVideo;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Text to mp4 from a checkpoint. */
@Command(
    name = "generate",
    description = "Makes a video from text with a checkpoint, and a LoRA if given.",
    footer = {
      "  tpdiff generate checkpoint --prompt \"a red ball rolls to the right\"",
      "  tpdiff generate checkpoint --lora lora.safetensors --prompt \"a red ball\"",
      "  tpdiff generate checkpoint --request request.json --seed 7",
      "  tpdiff generate sd15 --part motion_adapter=mm.ckpt --prompt \"a red ball\""
    })
final class GenerateCommand implements Callable<Integer> {
  private static final int SHEET_COLUMNS = 9;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "A checkpoint: a folder as published, or a file of several networks.")
  private Path folder;

  @Mixin private PartOptions parts = new PartOptions();
  @Mixin private LoraOptions lora = new LoraOptions();
  @Mixin private PromptOptions prompt = new PromptOptions();
  @Mixin private OutputOptions output = new OutputOptions();
  @Mixin private VideoOptions video = new VideoOptions();
  @Mixin private EngineOptions engines = new EngineOptions();
  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() throws IOException {
    Path out = output.out();
    GenerationRequest asked = video.over(prompt.request());
    try (OpenedCheckpoint checkpoint = lora.open(parts.at(folder))) {
      VideoModel model = checkpoint.with(lora.choices(asked.loras()));
      VideoRequest request = asked.of(model);
      var job = new Job(request, out, output.sheet());
      try (Engine engine = engines.open(compute);
          PipelineParts loaded = PipelineParts.of(model, engine)) {
        new VideoPipeline(loaded).requireComponents(request);
        write(spec, engine, loaded, job);
      }
    }
    return ExitCode.DONE;
  }

  /** What to make, where to, and where a picture of its frames goes. */
  record Job(VideoRequest request, Path out, Optional<Path> sheet) {
    /**
     * @throws IllegalArgumentException if a picture is to have several frames
     */
    Job {
      int frames = request.size().frames();
      if (OutputOptions.isPicture(out) && frames != 1) {
        throw new IllegalArgumentException(
            "--out: a .png is of one frame, and the video has %d; say --frames 1, or name an .mp4, found %s"
                .formatted(frames, out));
      }
    }
  }

  /** Makes a video and says what it took. */
  static void write(CommandSpec spec, Engine engine, PipelineParts parts, Job job)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    out.println("engine: " + engine.description());
    for (PromptTokens tokens : PromptTokens.of(parts)) {
      tokens.cut("prompt", job.request().prompt()).ifPresent(out::println);
      tokens.cut("negative prompt", job.request().negativePrompt()).ifPresent(out::println);
    }
    out.flush();
    try (var times = new StageTimes(spec.commandLine().getErr())) {
      var row = new ContactSheet.Row(SHEET_COLUMNS, job.request().size().frames());
      var pipeline = new VideoPipeline(parts);
      PlannedVideo planned = pipeline.plan(job.request());
      GeneratedVideo made = pipeline.generate(planned, times);
      if (OutputOptions.isPicture(job.out())) {
        made.<IOException>decode(frame -> PngWriter.write(job.out(), frame));
      } else {
        VideoWriter.write(job.out(), made, row::pass);
      }
      times.print(out);
      MagCacheOptions.print(out, planned);
      if (job.sheet().isPresent()) {
        row.sheet().write(job.sheet().get());
      }
    }
    out.println("wrote " + job.out() + job.sheet().map(png -> " and " + png).orElse(""));
    out.flush();
  }
}
