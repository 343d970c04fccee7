package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.Extraction;
import io.github.tpdiff.lora.data.SetShare;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs by key: nothing of a job may be lost on the way, or a run could go on without it. */
final class JobSettingsTest {
  private static final String FULL =
      """
      model:
        path: m
        parts: {vae: v}
        settings: {norm_convention: original}
        scheduler: unipc
        denoiser: transformer
      data:
        path: clips
        cache: c
        sizes: [832x480x81, 480x832x49]
        fps: 16
        extraction: middle
        clips_per_video: 3
        trigger: sks
        caption_prefix: "a film, "
        repeats: 2
        validation: 0.1
        negative_prompt: "blurry: 'no', # yes"
        pictures: files
        last_picture: true
      stages:
        rates: [[4, 1, 2], 2]
        boundaries: [0.8, 0.4]
        step_split: [1, 1, 2]
        downsampling: mean
        upsampling: linear
        space_downsampling: stride
        space_upsampling: linear
        targets: pixel
        positions: [scaled, native, native]
        target_scale: stage
        ends: clean
        weights: [1, 2, 3]
        loss_weights: [3, 1, 2]
        alignment: batch
        alignment_window: 12
      lora:
        kind: lokr
        factor: 8
        base: {style.safetensors: 0.5}
        rank: 8
        alpha: 16
        targets: [to_q, "blocks.*.ffn.**"]
        exclude: blocks.0.attn1.to_q
        rank_pattern: {to_q: 4}
        dropout: 0.2
      train:
        seed: 7
        steps: 20
        batch_size: 2
        gradient_accumulation: 4
        gradient_checkpointing: false
        pseudo_huber: 0.1
        frozen: fp8
        offload: true
        min_timestep: 20
        max_timestep: 980
        optimizer: adamw_8bit
        learning_rate: 2e-5
        warmup_steps: 5
        decay: cosine
        min_rate_share: 0.1
        betas: [0.9, 0.95]
        eps: 1e-7
        weight_decay: 0
        max_grad_norm: 0
        ema: 0.999
        lora_plus: 16
        caption_dropout: 0.2
        picture_dropout: 0.25
        timesteps: uniform
        timestep_shift: 5
        validate_every: 10
      sample: {prompts: ["a: b", "- c"], every: 7, size: 32x32x9, steps: 4, guidance: 2, seed: 3,
        pictures: true, file: prompts.txt, first: true}
      output: {folder: out, save_every: 5, keep: 1, dtype: bf16, formats: [diffusers, kohya],
        title: "A: ball", author: me, description: "It's a ball.", license: MIT}
      """;

  /** Keys that only some optimizers and curves have. */
  private static final List<String> DESCENTS =
      List.of(
          "decay: polynomial, decay_power: 2, optimizer: prodigy, learning_rate: 0.5, d0: 1e-5,"
              + " d_coef: 2, safeguard_warmup: false, use_bias_correction: false, betas: [0.8, 0.9]",
          "decay: cosine_restarts, cycles: 3, optimizer: lion, betas: [0.8, 0.9], weight_decay: 1",
          "optimizer: adafactor, eps: 1e-20, weight_decay: 0.1",
          "optimizer: adafactor",
          "optimizer: prodigy",
          "optimizer: lion",
          "optimizer: adamw_8bit");

  /** Sizes that are chosen, and what goes with no other key. */
  private static final String CHOSEN =
      FULL.replace(
              "sizes: [832x480x81, 480x832x49]", "pixels: 832x480\n  frames: [17, 81]\n  shapes: 5")
          .replace("extraction: middle", "extraction: sliding\n  stride: 8")
          .replace("repeats: 2", "weight: 2.5")
          .replace("gradient_accumulation: 4", "gradient_accumulation: 4\n  batches_at_once: 2");

  private static final String SEVERAL =
      CHOSEN
          .replaceAll(
              "(?m)^  (path: clips|extraction|stride|clips_per|trigger|caption_prefix|weight: 2).*\n",
              "")
          .replace(
              "data:\n",
              """
              data:
                sets:
                  - {path: a, extraction: sliding, stride: 8, trigger: x, caption_prefix: y, weight: 2}
                  - {path: b, weight: 1}
              """);

  private static final String SMALLEST = "model: {path: m}\ndata: {path: clips}\n";

  @TempDir private Path folder;

  private TrainingJob read(String text) throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(file, text);
    return TrainingJob.read(file);
  }

  @Test
  void writtenJob_readsAsTheSameJob() throws IOException {
    String staged = SMALLEST + "stages: {rates: %s, positions: native}\n";
    for (String text :
        List.of(
            FULL,
            CHOSEN,
            SEVERAL,
            SMALLEST,
            SMALLEST + "stages: {count: 1}\n",
            SMALLEST + "lora: {kind: dora, exclude: to_q}\n",
            SMALLEST + "lora: {kind: lokr}\n",
            SMALLEST + "lora: {from: a.safetensors, base: {b: 1, a: -0.5}}\n",
            SMALLEST + "stages: {space_upsampling: linear}\n",
            staged.formatted("[[1, 2, 2]]"),
            staged.formatted("[4, 2]"))) {
      TrainingJob job = read(text);
      assertThat(read(JobSettings.of(job).yaml())).isEqualTo(job);
    }
    for (String descent : DESCENTS) {
      TrainingJob job = read(SMALLEST + "train: {" + descent + "}\n");
      assertThat(read(JobSettings.of(job).yaml())).as(descent).isEqualTo(job);
    }
    TrainingJob full =
        read(
            FULL.replaceAll("(?s)lora:.*train:\n", "train:\n")
                .replace(", formats: [diffusers, kohya]", "")
                .replace("seed: 7", "seed: 7\n  weights: ['**.motion_modules.**', 're:a.b']"));
    assertThat(read(JobSettings.of(full).yaml())).isEqualTo(full);
  }

  @Test
  void writtenStages_areNumbersAndWords() throws IOException {
    assertThat(JobSettings.of(read(FULL)).values())
        .containsEntry("stages.rates", List.of(List.of(4, 1, 2), 2))
        .containsEntry("stages.positions", List.of("scaled", "native", "native"))
        .containsEntry("stages.targets", "pixel");
    assertThat(JobSettings.of(read(SMALLEST + "stages: {positions: native}\n")).values())
        .containsEntry("stages.positions", "native");
  }

  /** Runs that began when AdamW was the only optimizer go on. */
  @Test
  void identityOfAdamW_hasNoKeyOfOthers() throws IOException {
    var own = new LinkedHashMap<>(JobSettings.of(read(SMALLEST)).identity());
    own.keySet().removeIf(key -> !key.startsWith("train."));
    assertThat(own)
        .isEqualTo(
            Map.ofEntries(
                Map.entry("train.seed", "0"),
                Map.entry("train.batch_size", "1"),
                Map.entry("train.gradient_accumulation", "1"),
                Map.entry("train.learning_rate", "1.0E-4"),
                Map.entry("train.warmup_steps", "0"),
                Map.entry("train.decay", "constant"),
                Map.entry("train.betas", "[0.9, 0.999]"),
                Map.entry("train.eps", "1.0E-8"),
                Map.entry("train.weight_decay", "0.01"),
                Map.entry("train.max_grad_norm", "1.0"),
                Map.entry("train.caption_dropout", "0.1")));
  }

  /** Runs that began before stages differed in rows and columns go on. */
  @Test
  void identityOfAPyramidOverTime_hasNoKeyOfSpace() throws IOException {
    String scaled = SMALLEST + "stages: {rates: [2, 2], positions: scaled, targets: latent}\n";
    for (String text : List.of(SMALLEST, scaled)) {
      var stages = new LinkedHashMap<>(JobSettings.of(read(text)).identity());
      stages.keySet().removeIf(key -> !key.startsWith("stages."));
      assertThat(stages)
          .isEqualTo(
              Map.of(
                  "stages.rates", "[2, 2]",
                  "stages.downsampling", "stride",
                  "stages.upsampling", "nearest",
                  "stages.alignment", "window",
                  "stages.alignment_window", "64"));
    }
  }

  /** A part of a job, and the same job with another value there. */
  private record Changed(String part, TrainingJob job) {}

  @ParameterizedTest
  @ValueSource(strings = {"data.path", "data.sets"})
  void everyPartOfAJob_decidesTheRunOrIsFree(String place) throws IOException {
    TrainingJob job =
        read(place.equals("data.path") ? FULL : SEVERAL.replace("  batches_at_once: 2\n", ""));
    Map<String, Object> own = JobSettings.of(job).values();
    var free = new TreeSet<String>();
    for (Changed changed : changed(job)) {
      Map<String, Object> other = JobSettings.of(changed.job()).values();
      var keys = new TreeSet<>(own.keySet());
      keys.addAll(other.keySet());
      keys.removeIf(key -> String.valueOf(own.get(key)).equals(String.valueOf(other.get(key))));
      assertThat(keys).as(changed.part()).isNotEmpty();
      boolean decides =
          !JobSettings.of(job).identity().equals(JobSettings.of(changed.job()).identity());
      if (!decides) {
        free.addAll(keys);
      }
    }
    // train.steps decides here: the rate falls to the last one.
    assertThat(free)
        .containsExactly(
            "data.cache",
            place,
            "lora.base", // the files' contents and strengths decide, see LoraOrigin
            "model.parts",
            "model.path",
            "output.author",
            "output.description",
            "output.dtype",
            "output.folder",
            "output.formats",
            "output.keep",
            "output.license",
            "output.save_every",
            "output.title",
            "sample.every",
            "sample.file",
            "sample.first",
            "sample.guidance",
            "sample.pictures",
            "sample.prompts",
            "sample.seed",
            "sample.size",
            "sample.steps",
            "stages.step_split",
            "train.gradient_checkpointing",
            "train.offload",
            "train.validate_every");
  }

  /** Against the reader: a key that it knows and this does not would be lost. */
  @Test
  void everyKeyThatIsRead_isWritten() throws IOException {
    var known = new TreeSet<String>();
    JobKey.all().stream()
        .filter(key -> !(key.otherwise() instanceof JobKey.Otherwise.Section))
        .forEach(key -> known.add(key.path()));
    var written = new TreeSet<>(JobSettings.of(read(FULL)).values().keySet());
    for (String descent : DESCENTS) {
      written.addAll(
          JobSettings.of(read(SMALLEST + "train: {" + descent + "}\n")).values().keySet());
    }
    written.addAll(JobSettings.of(read(CHOSEN)).values().keySet());
    written.addAll(JobSettings.of(read(SEVERAL)).values().keySet());
    // In place of stages.rates, of the other keys of the section lora, and of that section.
    written.addAll(List.of("stages.count", "lora.from", "train.weights"));
    assertThat(written).isEqualTo(known);
  }

  @Test
  void numberOfSteps_isFreeWhereTheRateIsConstant() throws IOException {
    String always = FULL.replace("decay: cosine\n  min_rate_share: 0.1", "decay: constant");
    var constant = JobSettings.of(read(always)).identity();
    assertThat(constant).doesNotContainKey("train.steps").containsEntry("lora.alpha", "16.0");
    assertThat(JobSettings.of(read(FULL)).identity()).containsEntry("train.steps", "20");
  }

  /** The job with each part of its records changed in turn, however deep it lies. */
  private static List<Changed> changed(TrainingJob job) {
    var all = new ArrayList<Changed>();
    others(job)
        .forEach(
            (part, other) -> {
              // Not the file's name, nor what is derived from train.steps and
              // train.picture_dropout, nor what stands in place of other keys.
              if (!part.equals("file")
                  && !part.endsWith("origin.from")
                  && !part.endsWith("totalSteps")
                  && !part.endsWith("dropout.picture")) {
                all.add(new Changed(part, (TrainingJob) other));
              }
            });
    return all;
  }

  private static Map<String, Object> others(Record value) {
    var others = new LinkedHashMap<String, Object>();
    RecordComponent[] parts = value.getClass().getRecordComponents();
    Object[] own = Arrays.stream(parts).map(part -> get(part, value)).toArray();
    for (int i = 0; i < parts.length; i++) {
      int place = i;
      others(parts[i].getName(), own[i])
          .forEach(
              (name, other) -> {
                Object[] values = own.clone();
                values[place] = other;
                others.put(name, make(value.getClass(), parts, values));
              });
    }
    return others;
  }

  private static Map<String, Object> others(String name, Object value) {
    var others = new LinkedHashMap<String, Object>();
    if (value instanceof Optional<?> some && some.orElse(null) instanceof TrainingJob.Buckets own) {
      others(own).forEach((inner, other) -> others.put(name + "." + inner, Optional.of(other)));
      return others;
    }
    if (value instanceof List<?> list
        && !list.isEmpty()
        && list.get(0) instanceof TrainingJob.DataFiles own) {
      others(own)
          .forEach(
              (inner, other) -> {
                var several = new ArrayList<Object>(list);
                several.set(0, other);
                others.put(name + "." + inner, several);
              });
      return others;
    }
    if (value instanceof Extraction own) {
      var clips = OptionalInt.of(own.most().orElse(1) + 1);
      var mode = own.stride().isPresent() ? Extraction.Mode.UNIFORM : Extraction.Mode.HEAD;
      others.put(name + ".mode", new Extraction(mode, OptionalInt.empty(), own.most()));
      others.put(name + ".most", new Extraction(own.mode(), own.stride(), clips));
      own.stride()
          .ifPresent(
              stride ->
                  others.put(
                      name + ".stride",
                      new Extraction(own.mode(), OptionalInt.of(stride + 1), own.most())));
      return others;
    }
    if ((name.equals("sizes") && value.equals(List.of()))
        || (name.equals("buckets") && value.equals(Optional.empty()))) {
      return others; // one in place of the other
    }
    boolean isLeaf =
        value instanceof SetShare
            || value instanceof ModulePattern
            || value instanceof ClipSize
            || !(value instanceof Record);
    if (isLeaf) {
      others.put(name, other(value));
    } else {
      others((Record) value).forEach((inner, other) -> others.put(name + "." + inner, other));
    }
    return others;
  }

  /** Another value of the same kind that every record accepts in its place. */
  private static Object other(Object value) {
    if (value instanceof Integer number) {
      return number + 1;
    }
    if (value instanceof Long number) {
      return number + 1;
    }
    if (value instanceof Double number) {
      return number * 0.5 + 0.01;
    }
    if (value instanceof Boolean flag) {
      return !flag;
    }
    if (value instanceof Path path) {
      return path.resolve("other");
    }
    if (value instanceof String text) {
      return text + " other";
    }
    if (value instanceof ModulePattern pattern) {
      return new ModulePattern(pattern.text() + "x");
    }
    if (value instanceof ClipSize size) {
      return new ClipSize(size.width() + 16, size.height(), size.frames());
    }
    if (value instanceof GridFactor rates) {
      return new GridFactor(rates.time(), rates.height() + 1, rates.width());
    }
    if (value instanceof PositionRules rules) {
      return new PositionRules(rules.width(), rules.height(), rules.width());
    }
    if (value instanceof RunningMean mean) {
      return new RunningMean(mean.decay() / 2);
    }
    if (value instanceof SetShare share) {
      return share.weight().isPresent()
          ? new SetShare(1, OptionalDouble.of(share.weight().getAsDouble() + 1))
          : new SetShare(share.repeats() + 1, OptionalDouble.empty());
    }
    if (value instanceof OptionalInt number) {
      return number.isPresent() ? OptionalInt.empty() : OptionalInt.of(1);
    }
    if (value instanceof OptionalDouble number) {
      return number.isPresent() ? OptionalDouble.empty() : OptionalDouble.of(1);
    }
    if (value instanceof Optional<?> some) {
      return some.map(JobSettingsTest::other);
    }
    if (value instanceof DType) {
      return DType.F16;
    }
    if (value instanceof Enum<?> constant) {
      var constants = List.of((Object[]) constant.getDeclaringClass().getEnumConstants());
      return constants.get((constants.indexOf(constant) + 1) % constants.size());
    }
    if (value instanceof Map<?, ?> named) {
      var other = new HashMap<Object, Object>();
      named.forEach((key, own) -> other.put(key, other(own)));
      return other;
    }
    if (value instanceof List<?> several) {
      var other =
          new ArrayList<Object>(several.isEmpty() ? List.of(new ModulePattern("q")) : several);
      other.set(0, other(other.get(0)));
      return other;
    }
    throw new IllegalStateException("no other value known of " + value.getClass());
  }

  private static Object get(RecordComponent part, Record of) {
    try {
      part.getAccessor().setAccessible(true);
      return requireNonNull(part.getAccessor().invoke(of));
    } catch (ReflectiveOperationException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Object make(Class<?> type, RecordComponent[] parts, Object[] values) {
    try {
      Class<?>[] types =
          Arrays.stream(parts).map(RecordComponent::getType).toArray(Class<?>[]::new);
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (ReflectiveOperationException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
