package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.data.EpochBatches;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps that a dry run really makes. */
final class TrialStepsTest {
  private static final String JOB =
      """
      model: {path: checkpoint}
      data: {path: clips, sizes: [32x32x9], fps: 8}
      stages: {count: 2, alignment: none}
      lora: {rank: 2}
      train: {steps: 12, seed: 5, batch_size: 2, gradient_accumulation: 2}
      output: {folder: out, save_every: 100}
      """;

  private static final Machine MACHINE =
      new Machine(
          new Machine.Products(1e11, 1e10), new Machine.Products(1e11, 1e10), 1e11, 1e10, 1e-5);

  @TempDir private Path folder;

  @BeforeEach
  void makeCheckpointAndClips() throws IOException {
    CheckpointTemplate tiny = requireNonNull(family().templates().get("wan-tiny"));
    tiny.write(
        new CheckpointTemplate.Order(
            folder.resolve("checkpoint"), DType.F32, tiny.defaultComponents(), (w, t) -> {}));
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      VideoWriter.write(
          folder.resolve("clips/" + i + ".mp4"),
          new VideoClip(new float[3 * 9 * 32 * 32], 9, 32, 32, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "nothing, number " + i);
    }
  }

  private static ModelFamily family() {
    return ModelFamily.all().stream()
        .filter(f -> f.templates().containsKey("wan-tiny"))
        .findFirst()
        .orElseThrow();
  }

  private ResolvedJob open(VideoModel model, String job) throws IOException {
    Files.writeString(folder.resolve("job.yaml"), job);
    return ResolvedJob.of(TrainingJob.read(folder.resolve("job.yaml")), model);
  }

  private static EpochBatches batches(ResolvedJob job, TorchEngine engine) {
    var found = job.survey(new ModelEncoders(job.model(), engine));
    int size = job.job().train().settings().batches().size();
    return job.training(found).batches(size, job.preparation().shares());
  }

  @Test
  void batches_haveTheShapesOfThoseThatAreTrainedOn() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model, JOB);
      var tried = new Recorded(engine, 0);
      DryRun dry = DryRun.tried(job, tried, TrialStepsTest::unmeasured, batches(job, engine));
      var trained = new Recorded(engine, 0);
      var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
      Trainer.train(job.run(prepared.clips(), Start.FRESH), trained, new TrainingListener() {});
      assertThat(trained.batches).hasSize(2).isEqualTo(tried.batches);
      assertThat(dry.rows()).extracting(DryRun.Row::stage).containsExactly(2, 1, 0);
      assertThat(dry.rows())
          .extracting(row -> row.warmUpSeconds().isPresent())
          .containsExactly(true, true, false);
      assertThat(dry.table()).anyMatch(line -> line.contains("by steps made here"));
    }
  }

  @Test
  void whatIsNotTried_isSlowerThanPredictedByAsMuchAsItsLike() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model, JOB);
      DryRun dry =
          DryRun.tried(
              job, new Recorded(engine, 0), TrialStepsTest::unmeasured, batches(job, engine));
      // Vanilla has the batches of the last stage.
      assertThat(dry.rows().get(2).seconds()).isCloseTo(dry.rows().get(1).seconds(), within(1e-9));
      assertThat(dry.rows().get(2).peakBytes()).isEqualTo(dry.rows().get(1).peakBytes());
      double steps =
          12 * (dry.rows().get(0).seconds() + dry.rows().get(1).seconds()) / 2
              + dry.rows().get(0).warmUpSeconds().orElseThrow()
              + dry.rows().get(1).warmUpSeconds().orElseThrow();
      assertThat(dry.seconds()).isCloseTo(steps, within(1e-9));
    }
  }

  @Test
  void stepsThatAreLongOrLarge_areNotMade() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model, JOB.replace("batch_size: 2", "batch_size: 1000000"));
      var tried = new Recorded(engine, 0);
      EpochBatches batches = batches(job, engine);
      DryRun dry = DryRun.tried(job, tried, () -> MACHINE, batches);
      assertThat(tried.batches).isEmpty();
      assertThat(dry.rows())
          .isEqualTo(DryRun.of(job, MACHINE, batches, tried.freeDeviceMemory()).rows());
    }
  }

  @Test
  void aLossThatIsNotFinite_leavesThePrice() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model, JOB);
      EpochBatches batches = batches(job, engine);
      var tried = new Recorded(engine, Double.NaN);
      DryRun dry = DryRun.tried(job, tried, () -> MACHINE, batches);
      assertThat(tried.batches).hasSize(1);
      assertThat(dry.rows())
          .isEqualTo(DryRun.of(job, MACHINE, batches, tried.freeDeviceMemory()).rows());
    }
  }

  private static Machine unmeasured() {
    throw new AssertionError("the machine is not measured where everything is tried");
  }

  /** Remembers the shapes of the batches that an engine trains on. */
  private static final class Recorded implements TrainingEngine {
    private final TorchEngine engine;
    private final double more;
    private final Set<String> batches = new TreeSet<>();

    /**
     * @param more on every loss
     */
    Recorded(TorchEngine engine, double more) {
      this.engine = engine;
      this.more = more;
    }

    @Override
    public Trainable train(
        Program program, TensorSource weights, Set<String> trained, Activations activations) {
      return new Watched(engine.train(program, weights, trained, activations));
    }

    private final class Watched implements Trainable {
      private final Trainable own;

      Watched(Trainable own) {
        this.own = own;
      }

      @Override
      public void update(Map<String, Tensor> weights) {
        own.update(weights);
      }

      @Override
      public Gradients gradients(Map<String, Tensor> inputs, Tensor target, Tensor weights) {
        var shapes = new TreeMap<String, List<Long>>();
        inputs.forEach((name, tensor) -> shapes.put(name, shape(tensor)));
        batches.add(shapes + " to " + shape(target) + " by " + shape(weights));
        Gradients found = own.gradients(inputs, target, weights);
        return new Gradients(found.loss() + more, found.prediction(), found.gradients());
      }

      private static List<Long> shape(Tensor tensor) {
        return Arrays.stream(tensor.shape()).boxed().toList();
      }

      @Override
      public Tensor predict(Map<String, Tensor> inputs) {
        return own.predict(inputs);
      }

      @Override
      public double loss(Map<String, Tensor> inputs, Tensor target) {
        return own.loss(inputs, target);
      }

      @Override
      public Optional<DeviceOptimizer> optimizer(DeviceOptimizer.Request request) {
        return Optional.empty();
      }

      @Override
      public void close() {
        own.close();
      }
    }
  }
}
