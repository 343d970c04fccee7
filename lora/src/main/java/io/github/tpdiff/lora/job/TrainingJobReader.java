package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.job.TrainingJob.Data;
import io.github.tpdiff.lora.job.TrainingJob.Lora;
import io.github.tpdiff.lora.job.TrainingJob.Model;
import io.github.tpdiff.lora.job.TrainingJob.Output;
import io.github.tpdiff.lora.job.TrainingJob.Sample;
import io.github.tpdiff.lora.job.TrainingJob.Stages;
import io.github.tpdiff.lora.job.TrainingJob.Timesteps;
import io.github.tpdiff.lora.job.TrainingJob.Train;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Optimizer;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.pipeline.ModelRequest;
import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalDouble;

/** Makes a job of a file's sections; what they leave open has the default that trainers use. */
final class TrainingJobReader {
  private TrainingJobReader() {}

  static TrainingJob read(Path file, JobSection root) {
    Model model = model(root.section("model"));
    Train train = train(root.section("train"));
    if (!train.weights().isEmpty() && root.has("lora")) {
      throw new IllegalArgumentException(
          "train.weights trains tensors in full: leave out the section 'lora' or train.weights");
    }
    return new TrainingJob(
        file,
        model,
        data(root.section("data")),
        stages(root.section("stages")),
        lora(root.section("lora")),
        train,
        sample(root.section("sample")),
        output(root.section("output")));
  }

  private static Model model(JobSection s) {
    s.knowing("path", "parts", "settings", "scheduler");
    var parts = new LinkedHashMap<String, Path>();
    s.textsByName("parts").forEach((name, path) -> parts.put(name, s.resolve(path)));
    Path path = s.resolve(s.requireText("path", "the checkpoint's folder"));
    return new Model(new ModelRequest(path, parts, s.textsByName("settings")), s.text("scheduler"));
  }

  private static Data data(JobSection s) {
    s.knowing("path", "cache", "sizes", "fps", "clips_per_video", "validation", "negative_prompt");
    return new Data(
        s.resolve(s.requireText("path", "a folder of videos or a list")),
        s.resolve(s.text("cache").orElse("cache")),
        s.list("sizes", "WIDTHxHEIGHTxFRAMES, such as 832x480x81", ClipSize::parse),
        s.number("fps"),
        s.integer("clips_per_video").orElse(1),
        s.number("validation").orElse(0.0),
        s.text("negative_prompt").orElse(""));
  }

  private static Stages stages(JobSection s) {
    s.knowing(
        "count",
        "rates",
        "boundaries",
        "downsampling",
        "upsampling",
        "target_scale",
        "weights",
        "alignment",
        "alignment_window");
    if (s.has("count") && s.has("rates")) {
      throw new IllegalArgumentException("stages: give either count or rates, found both");
    }
    int count = s.integer("count").orElse(3);
    if (count < 1 || count > 9) {
      throw new IllegalArgumentException("stages.count: from 1 to 9, found " + count);
    }
    int window = s.integer("alignment_window").orElse(Alignment.DEFAULT_WINDOW);
    var reach = s.choice("alignment", Alignment.Reach.class).orElse(Alignment.Reach.WINDOW);
    return new Stages(
        s.has("rates") ? s.integers("rates") : Collections.nCopies(count - 1, 2),
        s.numbers("boundaries"),
        s.choice("downsampling", Downsampling.class).orElse(Downsampling.STRIDE),
        s.choice("upsampling", Upsampling.class).orElse(Upsampling.NEAREST),
        s.choice("target_scale", TargetScale.class).orElse(TargetScale.GLOBAL),
        s.numbers("weights"),
        new Alignment(reach, window));
  }

  private static Lora lora(JobSection s) {
    s.knowing("rank", "alpha", "targets", "exclude", "rank_pattern");
    int rank = s.integer("rank").orElse(32);
    var ranks = new LinkedHashMap<ModulePattern, Integer>();
    s.integersByName("rank_pattern")
        .forEach((pattern, own) -> ranks.put(new ModulePattern(pattern), own));
    return new Lora(
        rank,
        s.number("alpha").orElse((double) rank),
        patterns(s, "targets"),
        patterns(s, "exclude"),
        ranks);
  }

  private static List<ModulePattern> patterns(JobSection s, String key) {
    return s.list(key, "a module name or pattern", ModulePattern::new);
  }

  private static Train train(JobSection s) {
    s.knowing(
        "seed",
        "steps",
        "batch_size",
        "gradient_accumulation",
        "gradient_checkpointing",
        "learning_rate",
        "warmup_steps",
        "decay",
        "betas",
        "eps",
        "weight_decay",
        "max_grad_norm",
        "caption_dropout",
        "timesteps",
        "timestep_shift",
        "validate_every",
        "weights");
    int steps = s.integer("steps").orElse(1000);
    var settings =
        new TrainingSettings(
            s.bigInteger("seed").orElse(0L),
            steps,
            new Batches(
                s.integer("batch_size").orElse(1), s.integer("gradient_accumulation").orElse(1)),
            optimizer(s, steps),
            s.number("caption_dropout").orElse(0.1),
            s.flag("gradient_checkpointing").orElse(true)
                ? Activations.RECOMPUTED
                : Activations.KEPT);
    return new Train(
        settings,
        patterns(s, "weights"),
        s.choice("timesteps", Timesteps.class),
        s.number("timestep_shift").map(OptionalDouble::of).orElse(OptionalDouble.empty()),
        s.integer("validate_every").orElse(100));
  }

  private static Optimizer optimizer(JobSection s, int steps) {
    List<Double> betas = s.has("betas") ? s.numbers("betas") : List.of(0.9, 0.999);
    if (betas.size() != 2) {
      throw new IllegalArgumentException("train.betas: expected two numbers, found " + betas);
    }
    double maxNorm = s.number("max_grad_norm").orElse(1.0);
    var decay = s.choice("decay", LearningRate.Decay.class).orElse(LearningRate.Decay.CONSTANT);
    return new Optimizer(
        new AdamW.Settings(
            betas.get(0),
            betas.get(1),
            s.number("eps").orElse(1e-8),
            s.number("weight_decay").orElse(0.01)),
        new LearningRate(
            s.number("learning_rate").orElse(1e-4),
            s.integer("warmup_steps").orElse(0),
            decay,
            // Without a decay the number of steps may grow when a run is resumed.
            decay == LearningRate.Decay.CONSTANT ? 1 : steps),
        maxNorm == 0 ? OptionalDouble.empty() : OptionalDouble.of(maxNorm));
  }

  private static Sample sample(JobSection s) {
    s.knowing("prompts", "every", "size", "steps", "guidance", "seed");
    if (s.has("every") && !s.has("prompts")) {
      throw new IllegalArgumentException("sample.prompts: expected what to show, found none");
    }
    return new Sample(
        s.texts("prompts"),
        s.integer("every").orElse(100),
        s.list("size", "WIDTHxHEIGHTxFRAMES, such as 832x480x81", ClipSize::parse).stream()
            .findFirst(),
        s.integer("steps"),
        s.number("guidance"),
        s.bigInteger("seed").orElse(0L));
  }

  private static Output output(JobSection s) {
    s.knowing("folder", "save_every", "keep", "dtype");
    return new Output(
        s.resolve(s.text("folder").orElse("output")),
        s.integer("save_every").orElse(100),
        s.integer("keep").orElse(3),
        s.choice("dtype", LoraType.class).orElse(LoraType.F32).dtype());
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
