package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.data.PictureChoice;
import io.github.tpdiff.lora.job.TrainingJob.Data;
import io.github.tpdiff.lora.job.TrainingJob.Lora;
import io.github.tpdiff.lora.job.TrainingJob.Model;
import io.github.tpdiff.lora.job.TrainingJob.Output;
import io.github.tpdiff.lora.job.TrainingJob.Sample;
import io.github.tpdiff.lora.job.TrainingJob.Stages;
import io.github.tpdiff.lora.job.TrainingJob.Train;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFormat;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes a job of a file's sections; what they leave open has the default that trainers use.
 *
 * <p>To add a key, read it here: type, default and meaning stand in the call, and the check for
 * misspelt keys, {@code tpdiff job-keys} and {@code docs/job.md} follow. Every key is asked for in
 * every job.
 */
final class TrainingJobReader {
  private static final String CHECKPOINTS_OWN = "the checkpoint's own";
  static final JobType<List<Double>> NUMBERS = JobType.list("numbers", JobType.NUMBER);
  private static final JobType<List<GridFactor>> RATES = JobType.list("rates", JobType.rate());
  static final JobType<List<ModulePattern>> PATTERNS =
      JobType.list(
          "module names or patterns",
          JobType.scalar(
              "a module name or pattern", ModulePattern::new, pattern -> pattern.text()));

  private TrainingJobReader() {}

  static TrainingJob read(Path file, JobSection root) {
    Model model =
        model(root.section("model", "The checkpoint that is trained; it is not changed."));
    Data data = data(root.section("data", "Videos and their captions."));
    Stages stages =
        stages(
            root.section(
                "stages",
                "The pyramid over time, rows and columns. Lists begin with the coarsest stage."));
    Lora lora =
        lora(root.section("lora", "Which linear layers and convolutions gain a low-rank change."));
    Train train = TrainReader.read(root.section("train", "How training goes."));
    if (!train.weights().isEmpty() && root.has("lora")) {
      throw new IllegalArgumentException(
          "train.weights trains tensors in full: leave out the section 'lora' or train.weights");
    }
    Sample sample =
        sample(
            root.section("sample", "Videos made on the way, in `samples` of the output folder."));
    Output output = output(root.section("output", "What is written where."));
    if (!train.weights().isEmpty() && output.formats().size() > 1) {
      throw new IllegalArgumentException(
          "output.formats: train.weights gives tensors in full, which have no form of a LoRA");
    }
    return new TrainingJob(file, model, data, stages, lora, train, sample, output);
  }

  private static Model model(JobSection s) {
    Path path =
        s.resolve(
            s.require(
                "path",
                JobType.path("the checkpoint's folder"),
                "The checkpoint: a folder as it is published, or a file of several networks."));
    var parts = new LinkedHashMap<String, Path>();
    s.find(
            "parts",
            JobType.byName("names with paths", JobType.path("a path")),
            "none",
            "Parts of the checkpoint that lie elsewhere, such as `{motion_adapter: mm.ckpt}`.")
        .orElse(Map.of())
        .forEach((name, part) -> parts.put(name, s.resolve(part)));
    Map<String, String> settings =
        s.find(
                "settings",
                JobType.byName("names with texts", JobType.TEXT),
                "the family's defaults",
                "Choices that the checkpoint's family leaves to the user; `tpdiff inspect` lists"
                    + " them.")
            .orElse(Map.of());
    Optional<String> scheduler =
        s.find(
            "scheduler",
            JobType.TEXT,
            CHECKPOINTS_OWN,
            "The noise schedule that is trained; `tpdiff inspect` lists the names.");
    Optional<String> denoiser =
        s.find(
            "denoiser",
            JobType.TEXT,
            "both; nothing where the model has one",
            "Of a model with two denoisers, the one that is trained at its own times: high_noise,"
                + " low_noise, or both, one after the other, each in a folder of its own in"
                + " output.folder.");
    return new Model(new ModelRequest(path, parts, settings), scheduler, denoiser);
  }

  private static Data data(JobSection s) {
    return new Data(
        s.resolve(
            s.require(
                "path",
                JobType.path("a folder of videos or a list"),
                "A folder of videos, each with its caption in a .txt of the same name, or a .csv or"
                    + " .jsonl list of `video` and `caption`.")),
        s.resolve(
            s.value(
                "cache",
                JobType.path("a folder"),
                Path.of("cache"),
                "Where encoded clips and captions are kept from run to run.")),
        s.find(
                "sizes",
                JobType.list("sizes, such as [832x480x81]", ClipSize.TYPE),
                CHECKPOINTS_OWN,
                "Sizes that clips may have, in pixels and frames; each video goes to the one of the"
                    + " nearest shape.")
            .orElse(List.of()),
        s.find(
            "fps",
            JobType.NUMBER,
            CHECKPOINTS_OWN,
            "Frames per second at which clips are taken from videos; above 0, at most 1000."),
        s.value(
            "clips_per_video",
            JobType.WHOLE,
            1,
            "At most so many clips of one video, spread over its length."),
        s.value(
            "validation",
            JobType.NUMBER,
            0.0,
            "Share of the videos that is held out to measure the loss on; in [0, 1)."),
        s.value(
            "negative_prompt",
            JobType.TEXT,
            "",
            "What stands for a caption that is dropped; the same at generation."),
        new PictureChoice(
            s.value(
                "pictures",
                JobType.choice(PictureChoice.Source.class),
                PictureChoice.Source.FIRST_FRAME,
                "What a model is shown that takes a picture: the clip's own first_frame, or files: a"
                    + " .png, .jpg or .webp of the video's name or the list's `picture`, where"
                    + " there is one."),
            s.value(
                "last_picture",
                JobType.FLAG,
                false,
                "Shows the clip's last frame too, to a model that takes one but need not have it.")));
  }

  private static Stages stages(JobSection s) {
    if (s.has("count") && s.has("rates")) {
      throw new IllegalArgumentException("stages: give either count or rates, found both");
    }
    int count =
        s.value(
            "count",
            JobType.WHOLE,
            3,
            "Stages, each at twice the frame rate of the one before; from 1, which is vanilla"
                + " training, to 9.");
    if (count < 1 || count > 9) {
      throw new IllegalArgumentException("stages.count: from 1 to 9, found " + count);
    }
    List<GridFactor> rates =
        s.find(
                "rates",
                RATES,
                "2 over time from each stage to the next",
                "In place of `count`: the rate of each stage over the one before, one less than"
                    + " there are stages: of frames, `[2, 2]`, or of frames, rows and columns,"
                    + " `[[2, 2, 2], [2, 2, 2]]`; each to 64.")
            .orElse(Collections.nCopies(count - 1, GridFactor.ofTime(2)));
    return new Stages(
        rates,
        s.find(
                "boundaries",
                NUMBERS,
                "equal parts of the checkpoint's schedule",
                "The time, in (0, 1) and falling, at which each stage after the first starts.")
            .orElse(List.of()),
        s.value(
            "downsampling",
            JobType.choice(Downsampling.class),
            Downsampling.STRIDE,
            "How a stage takes its frames: every r-th, or the mean of r."),
        s.value(
            "upsampling",
            JobType.choice(Upsampling.class),
            Upsampling.NEAREST,
            "How a stage begins from the frames of the one before: repeated, or between them."),
        s.value(
            "space_downsampling",
            JobType.choice(Downsampling.class),
            Downsampling.MEAN,
            "How a stage takes its rows and columns: every r-th, or the mean of r."),
        s.value(
            "space_upsampling",
            JobType.choice(Upsampling.class),
            Upsampling.NEAREST,
            "How a stage begins from the rows and columns of the one before: repeated, or between"
                + " them."),
        s.value(
            "targets",
            JobType.choice(Targets.class),
            Targets.LATENT,
            "What a stage is to reach: latents of the clip with places dropped, or latents of a"
                + " smaller clip, whose frames are dropped and pixels averaged before the VAE."),
        s.find(
            "positions",
            JobType.positions(),
            "scaled over time alone; else what the checkpoint predicts best with before training",
            "Which positions the network is told in a stage: where a place lies in the full grid,"
                + " or as in a smaller video; one word, or one each for time, height and width."),
        s.find(
            "target_scale",
            JobType.choice(TargetScale.class),
            "the model's own",
            "The time in which a flow-matching network's velocity is measured: as a vanilla"
                + " checkpoint has it, or the stage's own."),
        s.find(
                "weights",
                NUMBERS,
                "all alike",
                "How often each stage is trained, against the others.")
            .orElse(List.of()),
        alignment(s, !rates.isEmpty()));
  }

  private static Alignment alignment(JobSection s, boolean staged) {
    // A vanilla baseline is vanilla, unless its job asks for more.
    Alignment.Reach usual =
        staged || s.has("alignment_window") ? Alignment.Reach.WINDOW : Alignment.Reach.NONE;
    return new Alignment(
        s.find(
                "alignment",
                JobType.choice(Alignment.Reach.class),
                "window; none for one stage without `alignment_window`",
                "Over which clips of one caption noises are exchanged so that each is near its"
                    + " clip: none, those of a batch, a window of upcoming ones.")
            .orElse(usual),
        s.value(
            "alignment_window",
            JobType.WHOLE,
            Alignment.DEFAULT_WINDOW,
            "Clips in a window; at least 1."));
  }

  private static Lora lora(JobSection s) {
    int rank = s.value("rank", JobType.WHOLE, 32, "Rank of the change; from 1 to 65536.");
    var ranks = new LinkedHashMap<ModulePattern, Integer>();
    double alpha =
        s.find("alpha", JobType.NUMBER, "the rank", "The change is multiplied by alpha / rank.")
            .orElse((double) rank);
    List<ModulePattern> targets =
        s.find(
                "targets",
                PATTERNS,
                "the family's usual layers",
                "Layers that are changed: the end of a name (`to_q`), a pattern"
                    + " (`blocks.*.ffn.**`), or `re:` and a regular expression.")
            .orElse(List.of());
    List<ModulePattern> exclude =
        s.find("exclude", PATTERNS, "none", "Of the targets, those that are left alone.")
            .orElse(List.of());
    s.find(
            "rank_pattern",
            JobType.byName("names with whole numbers", JobType.WHOLE),
            "none",
            "Ranks that differ, such as `{to_q: 4}`; the first pattern that matches a layer"
                + " decides.")
        .orElse(Map.of())
        .forEach((pattern, own) -> ranks.put(new ModulePattern(pattern), own));
    return new Lora(rank, alpha, targets, exclude, ranks);
  }

  private static Sample sample(JobSection s) {
    if (s.has("every") && !s.has("prompts")) {
      throw new IllegalArgumentException("sample.prompts: expected what to show, found none");
    }
    return new Sample(
        s.find("prompts", JobType.list("texts", JobType.TEXT), "no videos", "A video of each.")
            .orElse(List.of()),
        s.value("every", JobType.WHOLE, 100, "Steps from one set of videos to the next."),
        s.find("size", ClipSize.TYPE, "the first of data.sizes", "Of the videos."),
        s.find("steps", JobType.WHOLE, CHECKPOINTS_OWN, "Of the sampler, all stages together."),
        s.find("guidance", JobType.NUMBER, CHECKPOINTS_OWN, "Guidance scale; 1 is none."),
        s.value("seed", JobType.LONG, 0L, "Of the first video's noise."),
        s.find(
            "pictures",
            JobType.FLAG,
            "true where the model makes no video without a picture",
            "Shows each video the picture of a clip of its size, of the clips that are held out"
                + " first."));
  }

  private static Output output(JobSection s) {
    return new Output(
        s.resolve(
            s.value(
                "folder",
                JobType.path("a folder"),
                Path.of("output"),
                "For the LoRA, states to resume from, and sample videos.")),
        s.value("save_every", JobType.WHOLE, 100, "Steps from one state to the next."),
        s.value("keep", JobType.WHOLE, 3, "States that are kept, the newest."),
        s.value(
                "dtype",
                JobType.choice(LoraType.class),
                LoraType.F32,
                "Type of the LoRA's numbers.")
            .dtype(),
        s
            .value(
                "formats",
                JobType.list("forms", JobType.choice(LoraForm.class)),
                List.of(LoraForm.DIFFUSERS),
                "Forms of the LoRA, each in a file of its own at every save: diffusers' is"
                    + " always there, `comfyui` and `kohya` lie beside it as"
                    + " `pytorch_lora_weights.FORM.safetensors`.")
            .stream()
            .map(LoraForm::format)
            .toList());
  }

  /** Forms that training writes. */
  private enum LoraForm {
    DIFFUSERS(LoraFormat.DIFFUSERS),
    COMFYUI(LoraFormat.COMFYUI),
    KOHYA(LoraFormat.KOHYA);

    private final LoraFormat format;

    LoraForm(LoraFormat format) {
      this.format = format;
    }

    LoraFormat format() {
      return format;
    }
  }

  /** Types that a LoRA file may have. */
  private enum LoraType {
    F32(DType.F32),
    F16(DType.F16),
    BF16(DType.BF16);

    private final DType dtype;

    LoraType(DType dtype) {
      this.dtype = dtype;
    }

    DType dtype() {
      return dtype;
    }
  }
}
