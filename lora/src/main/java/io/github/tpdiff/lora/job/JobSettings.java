package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.PictureChoice;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.train.FrozenForm;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.lora.KroneckerSizes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

/**
 * A job by the keys of its file: the inverse of reading it. What a job leaves open is not there.
 *
 * @param values by section and key, such as {@code train.steps}: numbers, texts, flags, lists, maps
 */
record JobSettings(Map<String, Object> values) {
  /**
   * What may change when a run goes on: where things lie, as long as they are the same things, and
   * what is looked at or kept on the way. Everything else decides the result.
   */
  private static final Set<String> FREE =
      Set.of(
          "model.path",
          "model.parts",
          "data.path",
          "data.cache",
          "stages.step_split",
          "lora.from",
          "lora.base",
          "train.gradient_checkpointing",
          "train.offload",
          "train.validate_every",
          "sample",
          "output");

  /** Which a run that is to go on takes from its states, where its job leaves them open. */
  static final String POSITIONS = "stages.positions";

  private static final String STEPS = "train.steps";
  private static final String SETS = "data.sets";

  JobSettings {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  static JobSettings of(TrainingJob job) {
    var keys = new Keys(new LinkedHashMap<>());
    model(keys, job.model());
    data(keys, job.data());
    stages(keys, job.stages());
    if (job.train().weights().isEmpty()) {
      lora(keys, job.lora());
    }
    train(keys, job.train());
    sample(keys, job.sample());
    TrainingJob.Output output = job.output();
    keys.put("output.folder", output.folder());
    keys.put("output.save_every", output.saveEvery());
    keys.put("output.keep", output.keep());
    keys.put("output.dtype", output.dtype());
    keys.put("output.formats", output.formats());
    keys.put("output.title", output.about().title());
    keys.put("output.author", output.about().author());
    keys.put("output.description", output.about().description());
    keys.put("output.license", output.about().license());
    return new JobSettings(keys.values());
  }

  /** Takes values as a file has them. */
  private record Keys(Map<String, Object> values) {
    static Map<String, Object> all(Map<String, Object> values) {
      var keys = new Keys(new LinkedHashMap<>());
      values.forEach(keys::put);
      return keys.values();
    }

    void put(String key, Object value) {
      values.put(key, written(value));
    }

    /** Leaves out what the job leaves open. */
    void put(String key, Optional<?> value) {
      value.ifPresent(own -> put(key, own));
    }

    /** Leaves out what keys had no word for once: jobs stay what they were. */
    void putUnless(Object usual, String key, Object value) {
      if (!value.equals(usual)) {
        put(key, value);
      }
    }

    void putUnlessEmpty(String key, Collection<?> several) {
      if (!several.isEmpty()) {
        put(key, several);
      }
    }

    void putUnlessEmpty(String key, Map<?, ?> named) {
      if (!named.isEmpty()) {
        var texts = new LinkedHashMap<String, Object>();
        named.forEach((name, value) -> texts.put(String.valueOf(written(name)), written(value)));
        values.put(key, texts);
      }
    }

    private static Object written(Object value) {
      if (value instanceof Enum<?> constant) {
        return Words.of(constant);
      }
      if (value instanceof Collection<?> several) {
        return several.stream().map(Keys::written).toList();
      }
      if (value instanceof ModulePattern pattern) {
        return pattern.text();
      }
      if (value instanceof Path path) {
        return path.toAbsolutePath().normalize().toString();
      }
      if (value instanceof GridFactor rates) {
        return rates.isOfTimeAlone() ? rates.time() : along(rates::along);
      }
      if (value instanceof PositionRules rules) {
        return rules.isUniform() ? Words.of(rules.time()) : along(rules::along);
      }
      return value instanceof ClipSize ? value.toString() : value;
    }

    private static Object along(Function<GridAxis, Object> value) {
      return Arrays.stream(GridAxis.values()).map(value).map(Keys::written).toList();
    }
  }

  private static void model(Keys keys, TrainingJob.Model model) {
    keys.put("model.path", model.request().path());
    keys.putUnlessEmpty("model.parts", model.request().parts());
    keys.putUnlessEmpty("model.settings", model.request().settings());
    keys.put("model.scheduler", model.scheduler());
    keys.put("model.denoiser", model.denoiser());
  }

  private static void data(Keys keys, TrainingJob.Data data) {
    boolean isOneSet = data.sets().size() == 1;
    if (isOneSet) {
      DataSetKeys.written(data.sets().get(0))
          .forEach((name, value) -> keys.put("data." + name, value));
    } else {
      keys.values()
          .put(SETS, data.sets().stream().map(DataSetKeys::written).map(Keys::all).toList());
    }
    keys.put("data.cache", data.cache());
    keys.putUnlessEmpty("data.sizes", data.sizes());
    data.buckets()
        .ifPresent(
            buckets -> {
              keys.put("data.pixels", DataReader.words(buckets.pixels()));
              keys.putUnlessEmpty("data.frames", buckets.frames());
              buckets.shapes().ifPresent(most -> keys.put("data.shapes", most));
            });
    keys.put("data.fps", data.fps());
    keys.put("data.validation", data.validation());
    keys.put("data.negative_prompt", data.negativePrompt());
    // Jobs of models without pictures stay what they were.
    if (data.pictures().first() != PictureChoice.Source.FIRST_FRAME) {
      keys.put("data.pictures", data.pictures().first());
    }
    if (data.pictures().last()) {
      keys.put("data.last_picture", true);
    }
  }

  private static void stages(Keys keys, TrainingJob.Stages stages) {
    keys.put("stages.rates", stages.rates());
    keys.putUnlessEmpty("stages.boundaries", stages.boundaries());
    keys.putUnlessEmpty("stages.step_split", stages.stepSplit());
    keys.put("stages.downsampling", stages.downsampling());
    keys.put("stages.upsampling", stages.upsampling());
    // Jobs of pyramids over time stay what they were.
    boolean isOverSpace = GridFactor.areOverSpace(stages.rates());
    var space = new SpaceResampling(stages.spaceDownsampling(), stages.spaceUpsampling());
    if (isOverSpace || !space.equals(SpaceResampling.blocks())) {
      keys.put("stages.space_downsampling", space.downsampling());
      keys.put("stages.space_upsampling", space.upsampling());
    }
    if (stages.targets() != Targets.LATENT) {
      keys.put("stages.targets", stages.targets());
    }
    keys.put(
        POSITIONS,
        stages.positions().filter(own -> isOverSpace || !own.equals(PositionRules.scaled())));
    keys.put("stages.target_scale", stages.targetScale());
    keys.putUnless(Ends.LINKED, "stages.ends", stages.ends());
    keys.putUnlessEmpty("stages.weights", stages.weights());
    keys.putUnlessEmpty("stages.loss_weights", stages.lossWeights());
    keys.put("stages.alignment", stages.alignment().reach());
    keys.put("stages.alignment_window", stages.alignment().window());
  }

  private static void lora(Keys keys, TrainingJob.Lora lora) {
    if (lora.origin().from().isPresent()) {
      keys.put("lora.from", lora.origin().from());
    } else {
      change(keys, lora);
    }
    keys.putUnless(0.0, "lora.dropout", lora.dropout().share());
    var base = new LinkedHashMap<Object, Object>(lora.origin().base());
    keys.putUnlessEmpty("lora.base", base);
  }

  private static void change(Keys keys, TrainingJob.Lora lora) {
    if (lora.kind() instanceof LoraConfig.Dora) {
      keys.put("lora.kind", LoraReader.Kind.DORA);
    } else if (lora.kind() instanceof LoraConfig.Lokr lokr) {
      keys.put("lora.kind", LoraReader.Kind.LOKR);
      if (lokr.factor() != KroneckerSizes.NEAR_THE_ROOT) {
        keys.put("lora.factor", lokr.factor());
      }
    }
    keys.put("lora.rank", lora.rank());
    keys.put("lora.alpha", lora.alpha());
    keys.putUnlessEmpty("lora.targets", lora.targets());
    keys.putUnlessEmpty("lora.exclude", lora.exclude());
    keys.putUnlessEmpty("lora.rank_pattern", lora.ranks());
  }

  private static void train(Keys keys, TrainingJob.Train train) {
    TrainingSettings settings = train.settings();
    TrainingSettings.Descent descent = settings.descent();
    LearningRate rate = descent.learningRate();
    keys.put("train.seed", settings.seed());
    keys.put(STEPS, settings.steps());
    keys.put("train.batch_size", settings.batches().size());
    keys.put("train.gradient_accumulation", settings.batches().accumulation());
    keys.putUnless(1, "train.batches_at_once", settings.batches().atOnce());
    keys.put("train.gradient_checkpointing", TrainReader.checkpointing(settings.activations()));
    settings.loss().pseudoHuber().ifPresent(c -> keys.put("train.pseudo_huber", c));
    train.leastTimestep().ifPresent(t -> keys.put("train.min_timestep", t));
    train.greatestTimestep().ifPresent(t -> keys.put("train.max_timestep", t));
    keys.put("train.learning_rate", rate.base());
    keys.put("train.warmup_steps", rate.warmupSteps());
    keys.put("train.decay", rate.decay());
    LearningRate.Curve usual = LearningRate.Curve.USUAL;
    keys.putUnless(usual.cycles(), "train.cycles", rate.curve().cycles());
    keys.putUnless(usual.power(), "train.decay_power", rate.curve().power());
    keys.putUnless(usual.floor(), "train.min_rate_share", rate.curve().floor());
    OptimizerReader.settings(descent.optimizer())
        .forEach((key, value) -> keys.put("train." + key, value));
    keys.put("train.max_grad_norm", descent.maxGradNorm().orElse(0));
    keys.put("train.ema", descent.mean().map(RunningMean::decay));
    keys.putUnless(1.0, "train.lora_plus", descent.loraPlus());
    keys.put("train.caption_dropout", settings.dropout().caption());
    train.pictureDropout().ifPresent(share -> keys.put("train.picture_dropout", share));
    keys.put("train.timesteps", train.timesteps());
    train.timestepShift().ifPresent(shift -> keys.put("train.timestep_shift", shift));
    keys.put("train.validate_every", train.validateEvery());
    keys.putUnlessEmpty("train.weights", train.weights());
    keys.putUnless(FrozenForm.STORED, "train.frozen", train.frozen());
    keys.putUnless("auto", "train.offload", TrainReader.offload(train.offload()));
  }

  private static void sample(Keys keys, TrainingJob.Sample sample) {
    if (sample.isEmpty()) {
      return;
    }
    keys.putUnlessEmpty("sample.prompts", sample.prompts());
    keys.put("sample.file", sample.file());
    keys.put("sample.every", sample.every());
    keys.put("sample.first", sample.first());
    keys.put("sample.size", sample.size());
    keys.put("sample.steps", sample.steps());
    keys.put("sample.guidance", sample.guidance());
    keys.put("sample.seed", sample.seed());
    keys.put("sample.pictures", sample.pictures());
  }

  /** Whether a run may go on with another value of a key. */
  boolean isFree(String key) {
    // A learning rate that falls to the last step depends on which that is.
    return FREE.contains(key)
        || FREE.contains(key.substring(0, key.indexOf('.')))
        || (key.equals(STEPS) && "constant".equals(values.get("train.decay")));
  }

  /** What must be the same when a run goes on: every key that is not free. */
  Map<String, String> identity() {
    var identity = new LinkedHashMap<String, String>();
    values.forEach(
        (key, value) -> {
          if (!isFree(key)) {
            identity.put(key, (key.equals(SETS) ? withoutPaths(value) : value).toString());
          }
        });
    return identity;
  }

  /** Sets without where they lie. */
  private static List<Object> withoutPaths(Object sets) {
    var others = new ArrayList<Object>();
    for (Object set : (List<?>) sets) {
      var keys = new LinkedHashMap<Object, Object>((Map<?, ?>) set);
      keys.remove(DataSetKeys.PATH);
      others.add(keys);
    }
    return others;
  }

  /** The file. */
  String yaml() {
    var sections = new LinkedHashMap<String, Map<String, Object>>();
    values.forEach(
        (key, value) -> {
          int dot = key.indexOf('.');
          sections
              .computeIfAbsent(key.substring(0, dot), name -> new LinkedHashMap<>())
              .put(key.substring(dot + 1), value);
        });
    var options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    options.setSplitLines(false);
    return new Yaml(options).dump(sections);
  }
}
