package io.github.tpdiff.lora.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.data.CaptionRule;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.Extraction;
import io.github.tpdiff.lora.data.SetShare;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.runtime.cost.FrozenBytes;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class TrainingJobTest {
  @TempDir private Path folder;

  private TrainingJob read(String text) throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(file, text);
    return TrainingJob.read(file);
  }

  @Test
  void smallestJob_hasTheUsualDefaults() throws IOException {
    TrainingJob job =
        read(
            """
            model:
              path: checkpoint
            data:
              path: /clips
            """);
    assertThat(job.model().request()).isEqualTo(ModelRequest.of(folder.resolve("checkpoint")));
    assertThat(job.data().path()).isEqualTo(Path.of("/clips"));
    assertThat(job.lora().rank()).isEqualTo(32);
    assertThat(job.lora().alpha()).isEqualTo(32);
    assertThat(job.train().settings().descent().learningRate().at(500)).isEqualTo(1e-4);
    assertThat(job.train().settings().descent().optimizer()).isEqualTo(AdamW.DEFAULT);
    assertThat(job.train().settings().activations()).isEqualTo(Activations.AUTO);
    assertThat(job.train().offload()).isEqualTo(Offload.AUTO);
    assertThat(job.stages().rates()).isEqualTo(GridFactor.ofTimes(2, 2));
    assertThat(job.stages().alignment()).isEqualTo(Alignment.window(64));
  }

  /** Each optimizer's own numbers, where the job has none. */
  @ParameterizedTest
  @MethodSource("optimizers")
  void defaultsOfAnOptimizer_areItsOwn(String name, OptimizerKind kind, double rate)
      throws IOException {
    Descent descent =
        read("model: {path: m}\ndata: {path: d}\ntrain: {optimizer: " + name + "}\n")
            .train()
            .settings()
            .descent();
    assertThat(descent.optimizer()).isEqualTo(kind);
    assertThat(descent.learningRate().base()).isEqualTo(rate);
    assertThat(descent.mean()).isEmpty();
    assertThat(descent.rate("a.lora_B.weight", 0)).isEqualTo(rate);
  }

  static Stream<Arguments> optimizers() {
    return Stream.of(
        Arguments.of("adamw", AdamW.DEFAULT, 1e-4),
        Arguments.of("adamw_8bit", AdamW8bit.DEFAULT, 1e-4),
        Arguments.of("adafactor", Adafactor.DEFAULT, 1e-4),
        Arguments.of("prodigy", Prodigy.DEFAULT, 1),
        Arguments.of("lion", Lion.DEFAULT, 1e-4));
  }

  @Test
  void loraPlus_isAFactorOnTheRateOfB() throws IOException {
    Descent descent =
        read("model: {path: m}\ndata: {path: d}\ntrain: {lora_plus: 16}\n")
            .train()
            .settings()
            .descent();
    assertThat(descent.rate("blocks.0.to_q.lora_B.weight", 0)).isEqualTo(16e-4);
    assertThat(descent.rate("blocks.0.to_q.lora_A.weight", 0)).isEqualTo(1e-4);
  }

  @Test
  void everyKey_isRead() throws IOException {
    TrainingJob job =
        read(
            """
            model: {path: m}
            data:
              path: clips
              cache: c
              sizes: [832x480x81, 480x832x49]
              fps: 16
              clips_per_video: 3
              validation: 0.1
              negative_prompt: blurry
            stages:
              rates: [4, 2]
              boundaries: [0.8, 0.4]
              downsampling: mean
              upsampling: linear
              target_scale: stage
              weights: [1, 2, 3]
              alignment: batch
            lora:
              rank: 8
              alpha: 16
              targets: [to_q, "blocks.*.ffn.**"]
              exclude: blocks.0.attn1.to_q
              rank_pattern: {to_q: 4}
            train:
              seed: 7
              steps: 20
              batch_size: 2
              gradient_accumulation: 4
              gradient_checkpointing: false
              learning_rate: 2e-5
              warmup_steps: 5
              decay: cosine
              betas: [0.9, 0.95]
              eps: 1e-7
              weight_decay: 0
              max_grad_norm: 0
              caption_dropout: 0.2
              timesteps: uniform
              timestep_shift: 5
              validate_every: 10
            output: {folder: out, save_every: 5, keep: 1, dtype: bf16, title: Ball, license: MIT}
            """);
    assertThat(job.data().sizes())
        .containsExactly(new ClipSize(832, 480, 81), new ClipSize(480, 832, 49));
    assertThat(job.stages().rates()).isEqualTo(GridFactor.ofTimes(4, 2));
    assertThat(job.stages().weights()).containsExactly(1.0, 2.0, 3.0);
    assertThat(job.lora().exclude()).containsExactly(new ModulePattern("blocks.0.attn1.to_q"));
    assertThat(job.lora().ranks()).isEqualTo(Map.of(new ModulePattern("to_q"), 4));
    assertThat(job.train().settings().descent().maxGradNorm()).isEmpty();
    assertThat(job.train().settings().descent().learningRate().base()).isEqualTo(2e-5);
    assertThat(job.train().settings().batches().accumulation()).isEqualTo(4);
    assertThat(job.train().settings().activations()).isEqualTo(Activations.KEPT);
    assertThat(job.output())
        .isEqualTo(
            new TrainingJob.Output(
                folder.resolve("out"),
                5,
                1,
                DType.BF16,
                List.of(LoraFormat.DIFFUSERS),
                new TrainingJob.About(
                    Optional.of("Ball"), Optional.empty(), Optional.empty(), Optional.of("MIT"))));
  }

  @ParameterizedTest
  @CsvSource({"auto, AUTO", "true, ALWAYS", "false, NEVER"})
  void offload_isReadAndWrittenBack_andMayChangeWhenARunGoesOn(String word, Offload expected)
      throws IOException {
    TrainingJob job = read("model: {path: m}\ndata: {path: d}\ntrain: {offload: " + word + "}\n");
    assertThat(job.train().offload()).isEqualTo(expected);
    JobSettings written = JobSettings.of(job);
    assertThat(String.valueOf(written.values().getOrDefault("train.offload", "auto")))
        .isEqualTo(word);
    assertThat(written.isFree("train.offload")).isTrue();
    assertThatThrownBy(
            () -> read("model: {path: m}\ndata: {path: d}\ntrain: {offload: sometimes}\n"))
        .hasMessageContaining(
            "line 3: train.offload: expected auto, true or false, found 'sometimes'");
  }

  /** A gigabyte of weights of which a tenth is there at once, beside a gigabyte of the rest. */
  @Test
  void offloadLeftOpen_isDoneWhereAQuarterMoreThanIsNeededIsNotFree() {
    long gb = 1_000_000_000;
    var needed = new TrainingBytes(gb / 2, gb / 5, new FrozenBytes(gb, gb / 10), gb / 2);
    assertThat(needed.whole()).isEqualTo(2 * gb);
    assertThat(needed.offloaded()).isEqualTo(8 * gb / 10);
    assertThat(Offload.AUTO.applies(() -> needed, OptionalLong.of(5 * gb / 2))).isFalse();
    assertThat(Offload.AUTO.applies(() -> needed, OptionalLong.of(5 * gb / 2 - 1))).isTrue();
    assertThat(Offload.AUTO.applies(() -> needed, OptionalLong.empty())).isFalse();
    assertThat(Offload.ALWAYS.applies(() -> needed, OptionalLong.empty())).isTrue();
    assertThat(Offload.NEVER.applies(() -> needed, OptionalLong.of(1))).isFalse();
  }

  @Test
  void stagesOverSpace_areReadFromNumbersAndLists() throws IOException {
    TrainingJob.Stages stages =
        read("""
                model: {path: m}
                data: {path: d}
                stages:
                  rates: [[2, 2, 2], [1, 2, 2], 2]
                  space_downsampling: stride
                  space_upsampling: linear
                  targets: pixel
                  positions: [scaled, native, native]
                """)
            .stages();
    assertThat(stages.rates())
        .containsExactly(GridFactor.cube(2), new GridFactor(1, 2, 2), GridFactor.ofTime(2));
    assertThat(stages.spaceDownsampling()).isEqualTo(FrameResampling.Downsampling.STRIDE);
    assertThat(stages.spaceUpsampling()).isEqualTo(FrameResampling.Upsampling.LINEAR);
    assertThat(stages.targets()).isEqualTo(StageConfig.Targets.PIXEL);
    assertThat(stages.positions())
        .contains(new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE));
    TrainingJob.Stages all =
        read("model: {path: m}\ndata: {path: d}\nstages: {positions: NATIVE}\n").stages();
    assertThat(all.positions()).contains(PositionRules.all(PositionRule.NATIVE));
    assertThat(all.targets()).isEqualTo(StageConfig.Targets.LATENT);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rates: [[2, 2]]|stages.rates: expected a whole number from 1, or three such as [2, 2, 2],"
            + " found a list of 2",
        "rates: [2x2x2]|stages.rates: expected a whole number from 1, or three such as [2, 2, 2],"
            + " found '2x2x2'",
        "rates: [[2, 0, 2]]|stages.rates: expected a whole number from 1, found '0'",
        "rates: [[2, [2], 2]]|stages.rates: expected a whole number from 1, found a list of 1",
        "rates: [-2]|stages.rates: expected a whole number from 1, or three",
        "rates: [[9999999999, 1, 1]]|stages.rates: expected a whole number from 1, found '9999999999'",
        "targets: pixels|stages.targets: expected one of latent, pixel, found 'pixels'",
        "positions: own|stages.positions: expected one of native, scaled, or three for time, height"
            + " and width, found 'own'",
        "positions: [native, scaled]|stages.positions: expected one of native, scaled, or three for"
            + " time, height and width, found a list of 2",
        "positions: [native, own, own]|stages.positions: expected one of native, scaled, found 'own'",
      })
  void wrongStages_areRefusedInOneLineThatSaysWhere(String key, String message) {
    assertThatThrownBy(
            () -> read("model: {path: m}\ndata: {path: d}\nstages:\n  %s\n".formatted(key)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("job.yaml: line 4: " + message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void misspeltKey_isRefusedWithItsLineAndTheNearestName() {
    assertThatThrownBy(
            () ->
                read(
                    """
                    model: {path: m}
                    data: {path: d}
                    lora:
                      rnak: 8
                    """))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("job.yaml: line 4: unknown key 'rnak' in lora")
        .hasMessageContaining("nearest is 'rank'");
    assertThatThrownBy(() -> read("model: {path: m}\ndata: {path: d}\ntrian: {steps: 3}\n"))
        .hasMessageContaining("line 3: unknown key 'trian'; the nearest is 'train'");
    assertThatThrownBy(() -> read("model: {path: m}\ndata: {path: d}\ntrain: {rank: 3}\n"))
        .hasMessageContaining("line 3: unknown key 'rank' in train; it is lora.rank");
  }

  @Test
  void wrongValues_areRefusedByKey() {
    for (Map.Entry<String, String> wrong :
        List.of(
            Map.entry("train: {steps: many}", "line 3: train.steps: expected a whole number"),
            Map.entry("train: {steps: 0}", "train.steps: at least 1"),
            Map.entry(
                "train: {decay: cosin}",
                "expected one of constant, cosine, cosine_restarts, linear"),
            Map.entry("data2: 1", "unknown key 'data2'"),
            Map.entry("stages: {count: 3, rates: [2]}", "either count or rates"),
            Map.entry("stages: {count: 12}", "stages.count: from 1 to 9"),
            Map.entry("output: {dtype: fp32}", "expected one of bf16, f16, f32"),
            Map.entry("lora: {rank: 1}\ntrain: {weights: [x]}", "leave out the section 'lora'"),
            Map.entry("train: [", "line"))) {
      assertThatThrownBy(() -> read("model: {path: m}\ndata: {path: d}\n" + wrong.getKey()))
          .as(wrong.getKey())
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("job.yaml")
          .hasMessageContaining(wrong.getValue());
    }
    assertThatThrownBy(() -> read("model: {path: m}\n"))
        .hasMessageContaining("data.path: expected a folder of videos or a list");
    assertThatThrownBy(() -> read("model: {path: m}\ndata: {path: d, sizes: [832x480]}"))
        .hasMessageContaining("line 2: data.sizes: expected WIDTHxHEIGHTxFRAMES");
  }

  @Test
  void sets_haveWhatTheSectionSays_unlessTheySayOtherwise() throws IOException {
    TrainingJob job =
        read(
            """
            model: {path: m}
            data:
              trigger: sks
              repeats: 2
              extraction: sliding
              sets:
                - path: a
                - {path: /b, trigger: "", extraction: head, clips_per_video: 4, repeats: 5}
            """);
    assertThat(job.data().sets())
        .containsExactly(
            new TrainingJob.DataFiles(
                folder.resolve("a"),
                new Extraction(Extraction.Mode.SLIDING, OptionalInt.empty(), OptionalInt.empty()),
                new CaptionRule("sks", ""),
                new SetShare(2, OptionalDouble.empty())),
            new TrainingJob.DataFiles(
                Path.of("/b"),
                Extraction.head(4),
                CaptionRule.none(),
                new SetShare(5, OptionalDouble.empty())));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{path: a, sets: [{path: b}]}  | or else data.sets, found both",
        "{sets: []}                    | line 2: data.sets: expected a list of sets",
        "{sets: [a]}                   | data.sets: expected a list of sets",
        "{sets: [{repeats: 2}]}        | data.sets.path: expected a folder or list, found none",
        "{sets: [{path: a, repeat: 2}]} | unknown key 'repeat' in data.sets; the nearest is 'repeats'",
        "{sets: [{path: a, weight: 2}, {path: b}]} | data.weight: expected one for each of 2 sets, found 1",
        "{path: a, weight: 1, repeats: 2} | either repeats or a weight, found both",
        "{path: a, stride: 2}          | data.stride: goes with extraction: sliding",
        "{path: a, extraction: whole, clips_per_video: 2} | one clip of a video, found 2",
        "{path: a, extraction: all}    | expected one of head, middle, retimed, sliding, uniform, whole",
        "{path: a, frames: [9]}        | data.frames: goes with data.pixels",
        "{path: a, shapes: 2}          | data.shapes: goes with data.pixels",
        "{path: a, pixels: 832x480, sizes: [832x480x81]} | leave one of them out",
        "{path: a, pixels: 832}        | data.pixels: expected WIDTHxHEIGHT, such as 832x480",
        "{path: a, pixels: 832x480, frames: [0]} | data.frames: at least 1",
        "{path: a, pixels: 832x480, frames: []} | data.frames: expected whole numbers, found a list of 0",
        "{sets: [{path: a, sizes: [832x480x81]}]} | unknown key 'sizes' in data.sets; it is data.sizes",
      })
  void dataThatContradictsItself_isRefused(String data, String told) {
    assertThatThrownBy(() -> read("model: {path: m}\ndata: " + data + "\n"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("job.yaml")
        .hasMessageContaining(told);
  }

  /** What a dry run lets pass must not fail hours later. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "data: {path: c, validation: 1}|data.validation: in [0, 1), found 1.0",
        "data: {path: c, fps: .5e9}|data.fps: above 0, at most 1000",
        "data: {path: c, clips_per_video: 0}|data.clips_per_video: at least 1",
        "train: {frozen: fp4}|train.frozen: expected one of bf16, fp8, stored, found 'fp4'",
        "train: {steps: 10, decay: cosine, warmup_steps: 11}|train.warmup_steps: at most train.steps, which is 10",
        "output: {title: ''}|output.title: expected a text that is not empty, found ''",
        "lora: {dropout: 1}|lora.dropout: in [0, 1), found 1.0",
        "lora: {dropout: -0.1}|lora.dropout: in [0, 1), found -0.1",
        "train: {validate_every: 0}|train.validate_every: at least 1, found 0",
        "train: {timestep_shift: 0}|train.timestep_shift: must be positive",
        "train: {max_grad_norm: -1}|train.max_grad_norm: must be positive, or 0 for none, found -1.0",
        "train: {optimizer: adam}|expected one of adafactor, adamw, adamw_8bit, lion, prodigy, found",
        "train: {optimizer: adafactor, betas: [0.9, 0.99]}|train.betas: optimizer adafactor has none;"
            + " leave it out",
        "train: {optimizer: lion, eps: 1e-8}|train.eps: optimizer lion has none; leave it out",
        "train: {d_coef: 2}|train.d_coef: optimizer adamw has none; leave it out",
        "train: {betas: [0.9]}|train.betas: expected two numbers, found [0.9]",
        "train: {betas: [0.9, 1]}|train.betas: each in [0, 1), found 0.9, 1.0",
        "train: {optimizer: prodigy, d0: 0}|train.d0: must be positive, found 0.0",
        "train: {optimizer: prodigy, lora_plus: 16}|train.lora_plus: the optimizer finds one step size",
        "train: {lora_plus: 0}|train.lora_plus: must be positive, found 0.0",
        "train: {ema: 1}|train.ema: above 0 and below 1, found 1.0",
        "train: {cycles: 2}|train.cycles is for decay: cosine_restarts; leave it out",
        "train: {decay: cosine, decay_power: 2}|train.decay_power is for decay: polynomial",
        "train: {min_rate_share: 0.1}|train.min_rate_share is for a decay; leave it out",
        "train: {decay: cosine_restarts, cycles: 0}|train.cycles: at least 1, found 0",
        "train: {decay: cosine, min_rate_share: 1}|train.min_rate_share: in [0, 1), found 1.0",
        "output: {keep: 0}|output.keep: at least 1, found 0",
        "output: {save_every: 0}|output.save_every: at least 1, found 0",
        "sample: {prompts: a ball, every: 0}|sample.every: at least 1, found 0",
        "sample: {every: 5}|sample.prompts: expected what to show, found none beside sample.every",
        "sample: {first: true}|sample.prompts: expected what to show, found none beside sample.first",
        "sample: {steps: 4}|sample.prompts: expected what to show, found none beside sample.steps",
        "sample: {prompt: a ball}|unknown key 'prompt' in sample; the nearest is 'prompts'",
        "output: {formats: [ckpt]}|output.formats: expected one of comfyui, diffusers, kohya, found",
        "stages: {rates: [64, 64, 64, 64, 64, 64]}|stages.rates: at most 65536 together",
      })
  void numbersOutOfRange_areRefusedWhenTheJobIsRead(String section, String message)
      throws IOException {
    String data = section.startsWith("data") ? "" : "data: {path: c}\n";
    assertThatThrownBy(
            () -> {
              TrainingJob job = read("model: {path: m}\n" + data + section + "\n");
              StageConfig.pyramid(1, FrameResampling.sharedFirstFrame())
                  .withRates(job.stages().rates());
            })
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }
}
