package io.github.tpdiff.cli.demo;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import io.github.tpdiff.cli.JobTraining;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.FullWeights;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.AtomicFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The demo's two trainings, each a job file that {@code tpdiff train} runs: the whole denoiser
 * without stages, then a LoRA on it with them.
 *
 * @param order what is trained, and where
 * @param engine that trains
 * @param progress where lines go
 */
record DemoTraining(Order order, TorchEngine engine, PrintWriter progress) {
  /**
   * What is trained.
   *
   * @param folder checkpoint and clips, and where jobs and results go
   * @param size how much
   * @param stages of the LoRA, a job's section
   * @param heldOut share of the clips that is not trained on
   */
  record Order(DemoFolder folder, DemoSize size, String stages, double heldOut) {}

  /** Until steps take the time they will take. */
  private static final int PRACTICE_STEPS = 5;

  private static final int PROBE_STEPS = 8;

  private static final double CONVOLUTION_RATE = 2e-3;

  /** After 1200 steps samples are half as far from the clips as with 2e-3, and with 1e-2 worse. */
  private static final double TRANSFORMER_RATE = 5e-3;

  private static final double LORA_RATE = 2e-3;
  private static final int WARM_UP = 30;

  /** Times towards noise, where it is decided what is where. */
  private static final String EVERY_WEIGHT =
      """
      stages: {count: 1}
      train:
        weights: ["**"]
        timestep_shift: 3
      """;

  private static final String LORA =
      """
      lora: {rank: 16}
      train:
        timestep_shift: 1
      """;

  /**
   * One of the two.
   *
   * @param name of the job and of its output folder
   * @param what the job's stages and what of the network is trained
   * @param effort how long
   * @param rate of learning
   */
  private record Course(String name, String what, DemoSize.Effort effort, double rate) {}

  /**
   * What a training came to.
   *
   * @param heldOut losses on clips that were not trained on, none if there were none
   */
  record Outcome(LossCurve curve, Optional<HeldOutLoss> heldOut) {}

  /** Trains every weight of the denoiser and writes them over the files they came from. */
  Outcome pretrain() throws IOException {
    DemoSize size = order.size();
    double rate = size.transformer() ? TRANSFORMER_RATE : CONVOLUTION_RATE;
    var course = new Course(DemoFolder.PRETRAINING, EVERY_WEIGHT, size.pretraining(), rate);
    Outcome outcome = train(course, "vanilla pretraining, all weights");
    DemoFolder folder = order.folder();
    try (VideoModel model = Families.open(folder.checkpoint())) {
      FullWeights.writeOver(model, folder.pretrained());
    }
    return outcome;
  }

  /** Trains a LoRA with phased diffusion. */
  Outcome trainLora() throws IOException {
    return train(
        new Course(DemoFolder.LORA, order.stages() + LORA, order.size().lora(), LORA_RATE),
        "phased LoRA training");
  }

  /** A few steps to see how long one takes, then as many as fit the time. */
  private Outcome train(Course course, String title) throws IOException {
    var watch = new Watch();
    Path practice = write("practice", course, PRACTICE_STEPS + PROBE_STEPS);
    run(practice, watch);
    Files.delete(practice);
    MoreFiles.deleteRecursively(
        order.folder().root().resolve("practice"), RecursiveDeleteOption.ALLOW_INSECURE);
    var curve = new LossCurve(title);
    var validations = new ArrayList<Map<Integer, Double>>();
    int steps = course.effort().steps(watch.secondsPerStep());
    run(
        write(course.name(), course, steps),
        new TrainingListener() {
          @Override
          public void stepped(TrainingProgress step) {
            curve.add(step);
          }

          @Override
          public void validated(int step, Map<Integer, Double> losses) {
            validations.add(losses);
          }
        });
    return new Outcome(
        curve,
        validations.isEmpty()
            ? Optional.empty()
            : Optional.of(
                new HeldOutLoss(
                    title, validations.get(0), validations.get(validations.size() - 1))));
  }

  private Path write(String name, Course course, int steps) {
    Path job = order.folder().root().resolve(name + ".yaml");
    String text = course.what() + settings(name, course, steps);
    AtomicFile.write(job, text.getBytes(StandardCharsets.UTF_8));
    return job;
  }

  /** A shorter memory of squares than torch's default: there are only hundreds of steps. */
  private String settings(String name, Course course, int steps) {
    VideoSize video = order.size().video();
    boolean validates = order.heldOut() > 0;
    return String.format(
        Locale.ROOT,
        """
          timesteps: uniform
          seed: 1
          steps: %1$d
          warmup_steps: %2$d
          learning_rate: %3$s
          decay: cosine
          betas: [0.9, 0.99]
          weight_decay: 0
          batch_size: 4
          gradient_checkpointing: false
        %7$smodel: {path: checkpoint}
        data: {path: clips, cache: cache, sizes: [%4$s], fps: %5$s%8$s}
        output: {folder: %6$s, save_every: %1$d}
        """,
        steps,
        Math.min(WARM_UP, steps),
        course.rate(),
        new ClipSize(video.width(), video.height(), video.frames()),
        video.fps(),
        name,
        validates ? "  validate_every: %d\n".formatted(steps) : "",
        validates ? ", validation: " + order.heldOut() : "");
  }

  /** Runs a job as {@code tpdiff train} does, without the lines about its clips. */
  private void run(Path file, TrainingListener watcher) {
    var out = new PrintWriter(Writer.nullWriter());
    TrainingJob job = TrainingJob.read(file);
    try (VideoModel model = Families.open(job.model().request())) {
      new JobTraining(engine, out, progress).run(JobRuns.of(job, model), Start.FRESH, watcher);
    }
  }

  /** Times the steps after the first ones. */
  private static final class Watch implements TrainingListener {
    private long began;
    private long ended;

    @Override
    public void stepped(TrainingProgress step) {
      if (step.step() == PRACTICE_STEPS) {
        began = System.nanoTime();
      }
      ended = System.nanoTime();
    }

    double secondsPerStep() {
      return (ended - began) * 1e-9 / PROBE_STEPS;
    }
  }
}
