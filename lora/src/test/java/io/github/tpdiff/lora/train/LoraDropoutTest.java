package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.adapters.wan.WanFamily;
import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraDropout;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.TinyNetwork;
import io.github.tpdiff.lora.train.TrainingOutcome.End;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.DoraPair;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.TensorChange;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Training with dropout, against PEFT's with the same bits, and against itself made again. */
final class LoraDropoutTest {
  private static final Path WAN = Path.of("src/test/resources/goldens/wan");
  private static final LoraDropout SHARE = new LoraDropout(0.3);

  /** Of the largest number. */
  private static final double LIMIT = 5e-5;

  private static final TorchEngine ENGINE = TorchEngine.cpu();
  private static final int STEPS = 6;
  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(
          StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()),
          Scheduler.fromConfig(
                  Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
              .schedule());

  @TempDir private Path folder;

  static Stream<Arguments> kindsAndActivations() {
    return Stream.of("dora", "lora")
        .flatMap(kind -> Stream.of(Activations.values()).map(held -> Arguments.of(kind, held)));
  }

  /** The DoRA of the case, or the product within it. */
  private static LoraWeights lora(String kind) {
    LoraWeights dora = LoraFile.read(WAN.resolve("change-train/dora")).weights();
    if (kind.equals("dora")) {
      return dora;
    }
    var products = new LinkedHashMap<String, TensorChange>();
    dora.changes()
        .forEach(
            (name, change) ->
                products.put(
                    name, TensorChange.of(((DoraPair) change.layer().orElseThrow()).pair())));
    return LoraWeights.of("transformer", products, Map.of());
  }

  @ParameterizedTest
  @MethodSource("kindsAndActivations")
  void lossGradientsAndSteps_matchPeft(String kind, Activations activations) {
    try (VideoModel model = new WanFamily().open(WAN.resolve("lora-train"));
        TensorSource in = SafetensorsFile.open(WAN.resolve("lora-train/io.safetensors"));
        TensorSource out = SafetensorsFile.open(WAN.resolve("dropout-train/io.safetensors"))) {
      var network = TrainingTarget.network(model);
      var injection = LoraInjection.of(network.program(), lora(kind), SHARE);
      var steps =
          FixedBatchTraining.steps(
              TrainingTarget.lora(injection, network.weights(), injection.parametersOf(lora(kind))),
              ENGINE,
              FixedBatchTraining.Batch.of(
                  WanChangeTrainTest.inputs(in),
                  WanChangeTrainTest.tensor(in, "in.target"),
                  new int[2]),
              new FixedBatchTraining.Recipe(3, 1e-3, AdamW.DEFAULT, activations));
      float[] losses = out.floats("out." + kind + ".loss");
      float[] norms = out.floats("out." + kind + ".grad_norm");
      for (int i = 0; i < 3; i++) {
        assertThat(steps.get(i).loss()).isCloseTo(losses[i], within(LIMIT * losses[i]));
        assertThat(steps.get(i).gradientNorm()).isCloseTo(norms[i], within(LIMIT * norms[i]));
      }
      WanChangeTrainTest.requireClose(steps.get(0).gradients(), out, "out." + kind + ".grad.");
      WanChangeTrainTest.requireClose(steps.get(2).parameters(), out, "out." + kind + ".step3.");
    }
  }

  @Test
  void everyLayer_dropsByANumberOfItsOwn_andNoneWithoutDropout() {
    Program plain = TinyNetwork.network().program();
    var config = LoraConfig.of(1, 1, List.of("to_q", "to_k", "proj_out"));
    assertThat(layers(LoraInjection.inject(plain, config, SHARE).program()))
        .containsExactlyInAnyOrder(0L, 1L, 2L);
    Program without = LoraInjection.inject(plain, config, LoraDropout.NONE).program();
    assertThat(layers(without)).isEmpty();
    assertThat(without.inputs().keySet()).isEqualTo(plain.inputs().keySet());
  }

  private static List<Long> layers(Program program) {
    return program.segments().stream()
        .flatMap(segment -> segment.nodes().stream())
        .filter(node -> node.op() instanceof Op.Dropout)
        .map(node -> ((Op.LongConstant) node.inputs().get(2).op()).values().get(0))
        .toList();
  }

  @Test
  void lokr_isRefused() {
    var config =
        new LoraConfig(
            new LoraConfig.Lokr(2), 1, 1, List.of(new ModulePattern("to_q")), List.of(), Map.of());
    assertThatThrownBy(() -> LoraInjection.inject(TinyNetwork.network().program(), config, SHARE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "lora.dropout: is for LoRA and DoRA, 'blocks.0.attn1.to_q' gains a LoKr; leave it out");
    for (double share : new double[] {-0.1, 1, Double.NaN}) {
      assertThatThrownBy(() -> new LoraDropout(share))
          .hasMessageStartingWith("lora.dropout: in [0");
    }
  }

  private static LoraInjection injection(LoraDropout dropout) {
    return LoraInjection.inject(
        TinyNetwork.network().program(),
        LoraConfig.of(1, 1, List.of("to_q", "to_k", "proj_out")),
        dropout);
  }

  private static TrainingTarget target(LoraDropout dropout) {
    var network = TinyNetwork.network();
    LoraInjection injection = injection(dropout);
    Map<String, Parameter> parameters = injection.freshParameters(5, network.weights());
    // B of zero would hide what is dropped.
    parameters.forEach(
        (name, p) -> {
          for (int i = 0; i < p.values().length; i++) {
            p.values()[i] += name.contains("lora_B") ? 0.5f + i : 0;
          }
        });
    return TrainingTarget.lora(injection, network.weights(), parameters);
  }

  private static TrainingRun run(LoraDropout dropout, Activations activations) {
    var settings =
        new TrainingSettings(
            11,
            STEPS,
            new Batches(2, 2),
            Descent.constant(0.02),
            Dropout.ofCaptions(0.3),
            activations);
    return TrainingRun.inMemory(
            target(dropout), MemorySet.of(3, 5).and(MemorySet.of(2, 3)), PHASED, settings)
        .validatedOn(new Validation(new PhasedClips(MemorySet.of(1, 5), PHASED), 2, 2));
  }

  @ParameterizedTest
  @EnumSource(Activations.class)
  void stoppedAndResumed_equalsTheUninterruptedBitForBit(Activations activations) {
    var whole = new WatchedSteps(99);
    TrainingOutcome expected = Trainer.train(run(SHARE, activations), ENGINE, whole);
    var states = new StateFolder(folder.resolve("out"), 100, 2, (place, snapshot) -> {});
    var first = new WatchedSteps(3);
    assertThat(
            Trainer.train(run(SHARE, activations).savedIn(states, Start.FRESH), ENGINE, first)
                .end())
        .isEqualTo(End.STOPPED);
    var second = new WatchedSteps(99);
    TrainingOutcome found =
        Trainer.train(run(SHARE, activations).savedIn(states, Start.RESUME), ENGINE, second);
    first.steps.addAll(second.steps);
    assertThat(first.losses()).isEqualTo(whole.losses());
    assertThat(WatchedSteps.values(found)).isEqualTo(WatchedSteps.values(expected));
  }

  @Test
  void keptActivations_giveTheBitsOfThoseMadeAgain_onTheDeviceAndTheHost() {
    var expected =
        WatchedSteps.values(
            Trainer.train(run(SHARE, Activations.RECOMPUTED), ENGINE, new WatchedSteps(99)));
    for (Activations activations : Activations.values()) {
      assertThat(
              WatchedSteps.values(
                  Trainer.train(run(SHARE, activations), ENGINE, new WatchedSteps(99))))
          .isEqualTo(expected);
      var onHost = run(SHARE, activations).withGradients(GradientSource.local());
      WatchedSteps.values(Trainer.train(onHost, ENGINE, new WatchedSteps(99)))
          .forEach(
              (name, found) -> {
                List<Float> own = requireNonNull(expected.get(name));
                for (int i = 0; i < found.size(); i++) {
                  assertThat(found.get(i)).isCloseTo(own.get(i), within(1e-6f));
                }
              });
    }
    assertThat(expected)
        .isNotEqualTo(
            WatchedSteps.values(
                Trainer.train(
                    run(LoraDropout.NONE, Activations.RECOMPUTED), ENGINE, new WatchedSteps(99))));
  }

  /** The first is of the same values: with and without dropout it is the same number. */
  @Test
  void validation_dropsNothing() {
    var with = new WatchedSteps(1);
    var without = new WatchedSteps(1);
    Trainer.train(run(SHARE, Activations.RECOMPUTED), ENGINE, with);
    Trainer.train(run(LoraDropout.NONE, Activations.RECOMPUTED), ENGINE, without);
    assertThat(with.validations.get(0)).isEqualTo(without.validations.get(0));
    assertThat(with.losses()).isNotEqualTo(without.losses());
  }

  @Test
  void sample_dropsNothing() {
    var conditions = MemorySet.of(1, 5).conditions(0);
    var shape = new LatentShape(1, 2, 5, 2, 2);
    var sampler = StagedSampler.of(PHASED.plan(shape.grid()), Samplers.named("euler"), 4);
    var sampled = new ArrayList<float[]>();
    for (LoraDropout dropout : List.of(SHARE, LoraDropout.NONE)) {
      var target = target(dropout);
      try (Trainable model =
          ENGINE.train(
              target.program(),
              target.weights(),
              target.parameters().keySet(),
              Activations.RECOMPUTED)) {
        var video =
            new TrainingSamples.SampledVideo(
                conditions, conditions, shape, sampler, Guidance.none(), 3);
        sampled.add(video.draw(model).data());
      }
    }
    assertThat(sampled.get(0)).isEqualTo(sampled.get(1));
  }

  /** A linear layer's mean over many seeds is what it gives without dropout. */
  @Test
  void meanOverSeeds_isThePredictionWithoutDropout() {
    var network = TinyNetwork.network();
    Program keys = TinyNetwork.conditioning();
    var config = LoraConfig.of(2, 4, List.of("to_k"));
    var injection = LoraInjection.inject(keys, config, new LoraDropout(0.4));
    var a = new float[] {.5f, -1, .3f, .2f, .7f, -.4f};
    var b = new float[] {.25f, .75f, -.5f, .4f};
    TensorSource lora =
        MemoryTensors.builder()
            .addFloats("blocks.0.attn2.to_k.lora_A.weight", List.of(2L, 3L), a)
            .addFloats("blocks.0.attn2.to_k.lora_B.weight", List.of(2L, 2L), b)
            .build();
    Tensor text = Tensor.ofFloats(new float[] {1, .5f, -2, .3f, -1, .8f}, 1, 2, 3);
    int seeds = 4000;
    try (var dropping = ENGINE.load(injection.program(), network.weights().overlaid(lora));
        var whole =
            ENGINE.load(
                LoraInjection.inject(keys, config).program(), network.weights().overlaid(lora))) {
      float[] expected = first(whole.run(Map.of("encoder_hidden_states", text)));
      var sums = new double[expected.length];
      var squares = new double[expected.length];
      for (int seed = 0; seed < seeds; seed++) {
        var given = new HashMap<>(LoraDropout.seeded((long) seed << 33));
        given.put("encoder_hidden_states", text);
        float[] found = first(dropping.run(given));
        for (int i = 0; i < found.length; i++) {
          sums[i] += found[i];
          squares[i] += (double) found[i] * found[i];
        }
      }
      for (int i = 0; i < sums.length; i++) {
        double mean = sums[i] / seeds;
        double deviation = Math.sqrt((squares[i] / seeds - mean * mean) / seeds);
        assertThat(deviation).isPositive();
        assertThat(mean).isCloseTo(expected[i], within(5 * deviation));
      }
      var nothing = new HashMap<>(LoraDropout.nothing());
      nothing.put("encoder_hidden_states", text);
      assertThat(first(dropping.run(nothing))).isEqualTo(expected);
    }
  }

  private static float[] first(Map<String, Tensor> outputs) {
    return outputs.values().iterator().next().toFloatArray();
  }
}
