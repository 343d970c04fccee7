package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.data.Shown;
import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Clips whose first frame a picture gives: what is learned of them, against sums over the other
 * frames alone. The network is {@code (1 − m) ∘ W((1 − m) ∘ x + c)}, m and c the mask and latents
 * of the picture.
 */
final class GivenFramesTest {
  private static final PhasedDiffusion PHASED =
      PhasedDiffusion.of(
          StageConfig.pyramid(2, FrameResampling.sharedFirstFrame()),
          Scheduler.fromConfig(
                  Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 3.0))
              .schedule());

  private static final int PIXELS = 4;
  private static final float[] W = {.7f, -.4f, .2f, .9f};
  private static final String NAME = "blocks.0.attn1.to_q.weight";

  private static final Flow FLOW =
      new Flow(
              List.of(
                  ComponentDescription.of(
                      ComponentDescription.VAE_ENCODER,
                      Runs.CHUNK,
                      Map.of("sample", Flow.PICTURE),
                      Map.of("latent_mean", "given")),
                  ComponentDescription.of(
                      "transformer", Runs.STEP, Map.of("given", "given"), Map.of())),
              List.of(Flow.Expert.alone("transformer")),
              List.of(),
              List.of(
                  new Condition(
                      "given",
                      ElementType.F32,
                      List.of("batch", "3", "frames", "height", "width"),
                      Condition.Follows.FRAMES,
                      true)),
              Map.of())
          .withPictures(PictureUse.of(PictureUse.Given.FIRST_FRAME, PictureUse.Last.NEVER));

  /** Clips with pictures, but for the last. */
  private record Pictured(MemorySet clips) implements TrainingSet {
    @Override
    public List<LatentShape> shapes() {
      return clips.shapes();
    }

    @Override
    public Latents latents(int clip) {
      return clips.latents(clip);
    }

    @Override
    public Conditions conditions(int clip) {
      if (clip == shapes().size() - 1) {
        return new Conditions(FLOW, Map.of());
      }
      Latents latents = latents(clip);
      int frames = latents.frames();
      var values = new float[3 * frames * PIXELS];
      Arrays.fill(values, 0, PIXELS, 1);
      for (int c = 0; c < 2; c++) {
        System.arraycopy(
            latents.data(), c * frames * PIXELS, values, (1 + c) * frames * PIXELS, PIXELS);
      }
      return new Conditions(FLOW, Map.of("given", Tensor.ofFloats(values, 1, 3, frames, 2, 2)));
    }

    @Override
    public Map<String, Tensor> uncaptioned() {
      return Map.of();
    }

    @Override
    public String fingerprint() {
      return "pictured";
    }
  }

  private static Trainable network() {
    Value x = Value.input("hidden_states", "batch", 2, "frames", "height", "width");
    Value given = Value.input("given", "batch", 3, "frames", "height", "width");
    Value shown = given.slice(1, 0, 1).times(-1).plus(1);
    Value h = x.times(shown).plus(given.slice(1, 1, 3)).transpose(0, 2, 3, 4, 1);
    Value out = h.linear(Value.weight(NAME, 2, 2)).transpose(0, 4, 1, 2, 3).times(shown);
    var program =
        new Program("transformer", List.of(Graph.of("block", "out", out)), List.of("out"));
    var weights = MemoryTensors.builder().addFloats(NAME, List.of(2L, 2L), W).build();
    return new FiniteDifferences().train(program, weights, Set.of(NAME), Activations.KEPT);
  }

  private static TrainingSettings settings(double dropout) {
    return new TrainingSettings(
        7,
        1,
        new Batches(3, 1),
        Descent.constant(1),
        new Dropout(0, dropout),
        Activations.RECOMPUTED);
  }

  /** What is learned of one example, summed over the frames that are predicted alone. */
  private static final class Sums {
    private double loss;
    private final double[] gradient = new double[4];

    void add(float[] x, float[] target, int frames, Set<Integer> predicted) {
      double count = 2.0 * predicted.size() * PIXELS;
      for (int f : predicted) {
        for (int p = 0; p < PIXELS; p++) {
          double[] in = {x[f * PIXELS + p], x[(frames + f) * PIXELS + p]};
          for (int c = 0; c < 2; c++) {
            double error =
                W[2 * c] * in[0] + W[2 * c + 1] * in[1] - target[(c * frames + f) * PIXELS + p];
            loss += error * error / count;
            gradient[2 * c] += 2 * error * in[0] / count;
            gradient[2 * c + 1] += 2 * error * in[1] / count;
          }
        }
      }
    }
  }

  @Test
  void lossAndGradient_areMeansOverThePredictedFrames_ofEachClipAndStage() {
    var clips = new Pictured(MemorySet.of(5, 5));
    TrainingSettings settings = settings(0.4);
    var visits = new Visits(PHASED, clips, settings);
    var seen = new HashSet<String>();
    Trainable model = network();
    try (var examples = new Examples(new PhasedClips(clips, PHASED), settings)) {
      for (long b = 0; b < 16; b++) {
        Stage stage = visits.stage(b);
        List<Visits.Visit> members = visits.batch(b);
        var expected = new Sums();
        for (Visits.Visit visit : members) {
          Latents clip = clips.latents(visit.clip());
          var example =
              visits
                  .plan(visit.clip())
                  .example(
                      stage,
                      visits.time(visit, stage),
                      clip,
                      NoiseSource.seeded(visits.seed(visit))
                          .draw(clip.shape().withFrames(stage.frames())));
          boolean given = visit.clip() < 4 && visits.shown(visit).picture();
          seen.add(stage.number() + (given ? " given" : " whole"));
          expected.add(
              example.input().data(),
              example.target().data(),
              stage.frames(),
              IntStream.range(given ? 1 : 0, stage.frames()).boxed().collect(Collectors.toSet()));
        }
        TrainingBatch batch = examples.batch(b);
        var found = model.gradients(batch.inputs(), batch.target(), batch.weights());
        assertThat(found.loss()).isCloseTo(expected.loss / members.size(), within(1e-5));
        float[] gradient = requireNonNull(found.gradients().get(NAME)).toFloatArray();
        for (int i = 0; i < 4; i++) {
          assertThat(gradient[i])
              .isCloseTo((float) (expected.gradient[i] / members.size()), within(1e-3f));
        }
      }
    }
    assertThat(seen).containsExactlyInAnyOrder("1 given", "1 whole", "2 given", "2 whole");
  }

  @Test
  void noiseOfAGivenFrame_changesNothing() {
    var clips = new Pictured(MemorySet.of(2, 5));
    Stage stage = PHASED.plan(clips.latents(0).shape().grid()).stages().get(0);
    Latents noise = NoiseSource.seeded(1).draw(clips.latents(0).shape().withFrames(stage.frames()));
    float[] moved = noise.data().clone();
    for (int p = 0; p < PIXELS; p++) {
      moved[p] += 3;
    }
    Trainable model = network();
    assertThat(loss(model, clips, stage, noise))
        .isEqualTo(loss(model, clips, stage, Latents.of(noise.shape(), moved)));
  }

  private static double loss(Trainable model, TrainingSet clips, Stage stage, Latents noise) {
    return TrainingBatch.of(
            List.of(
                PHASED
                    .plan(clips.latents(0).shape().grid())
                    .example(stage, stage.start(), clips.latents(0), noise)),
            List.of(clips.conditions(0)),
            Optional.empty())
        .loss(model::loss);
  }

  @Test
  void validation_showsPicturesAsOftenAsTraining() {
    var clips = new Pictured(MemorySet.of(3, 5));
    var validation = new Validation(new PhasedClips(clips, PHASED), 1, 8);
    Trainable model = network();
    var always = validation.losses(model, settings(0));
    assertThat(validation.losses(model, settings(0))).isEqualTo(always);
    assertThat(validation.losses(model, settings(0.5))).isNotEqualTo(always);
    var none = new Validation(new PhasedClips(without(clips), PHASED), 1, 8);
    assertThat(validation.losses(model, settings(1))).isEqualTo(none.losses(model, settings(0)));
  }

  private static TrainingSet without(Pictured clips) {
    return new Told(
        clips.clips(),
        IntStream.range(0, clips.shapes().size())
            .mapToObj(clip -> clips.conditions(clip, new Shown(true, false)))
            .toList());
  }

  /** Clips that are told what is said. */
  private record Told(MemorySet clips, List<Conditions> told) implements TrainingSet {
    @Override
    public List<LatentShape> shapes() {
      return clips.shapes();
    }

    @Override
    public Latents latents(int clip) {
      return clips.latents(clip);
    }

    @Override
    public Conditions conditions(int clip) {
      return told.get(clip);
    }

    @Override
    public Map<String, Tensor> uncaptioned() {
      return Map.of();
    }

    @Override
    public String fingerprint() {
      return "told";
    }
  }

  /** Two clips with one picture, told the same: their first frames decide nothing. */
  @Test
  void alignment_measuresThePredictedFramesAlone() {
    var clips = new Pictured(MemorySet.of(9, 5));
    List<Conditions> one = Collections.nCopies(9, clips.conditions(0));
    var far = new MemorySet(clips.clips().clips().stream().map(GivenFramesTest::moved).toList());
    List<Long> seeds = seeds(new Told(clips.clips(), one));
    assertThat(seeds).isEqualTo(seeds(new Told(far, one))).doesNotHaveDuplicates();
    List<Conditions> none = Collections.nCopies(9, new Conditions(FLOW, Map.of()));
    assertThat(seeds(new Told(clips.clips(), none))).isNotEqualTo(seeds(new Told(far, none)));
  }

  private static Latents moved(Latents clip) {
    float[] data = clip.data().clone();
    for (int c = 0; c < 2; c++) {
      for (int p = 0; p < PIXELS; p++) {
        data[c * clip.frames() * PIXELS + p] += data[PIXELS + p] * 50;
      }
    }
    return Latents.of(clip.shape(), data);
  }

  private static List<Long> seeds(TrainingSet clips) {
    TrainingSettings settings = settings(0);
    var visits = new Visits(PHASED, clips, settings);
    try (var windows =
        new NoiseWindows(new Visits(PHASED, clips, settings), clips, Alignment.window(9), 3)) {
      return IntStream.range(0, 3)
          .boxed()
          .flatMap(b -> windows.seeds(visits.batch(b)).stream())
          .toList();
    }
  }
}
