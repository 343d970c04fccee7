package io.github.tpdiff.cli;

import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.DataManifest;
import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.data.PreparationReport;
import io.github.tpdiff.lora.job.OpenPositions;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingBytes;
import io.github.tpdiff.lora.job.WatchedRun;
import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.lora.train.OtherRunException;
import io.github.tpdiff.lora.train.SampleShown;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingOutcome.End;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.torch.Arithmetic;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.CheckpointException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What {@code tpdiff train} runs: a job from its clips to its result, told as it goes.
 *
 * @param engine that trains
 * @param out where lines go
 * @param err where progress goes
 */
public record JobTraining(TorchEngine engine, PrintWriter out, PrintWriter err) {
  /**
   * Prepares a job's data and trains it to the end, or until the user asks to stop.
   *
   * @param runs of the job, one after the other
   * @param watcher is told of everything too, and may ask to stop
   * @return what became of the last run that began
   * @throws NonFiniteException if the loss or a gradient is; the last good state is kept
   */
  public TrainingOutcome run(List<ResolvedJob> runs, Start start, TrainingListener watcher) {
    var held = new ArrayList<FolderLock>();
    try {
      runs.forEach(run -> held.add(run.takeFolder(start)));
      Prepared prepared = PrepareCommand.prepare(runs.get(0), inFp32(), out, err);
      JobTraining training = offloading(runs.get(0), prepared.report());
      List<ResolvedJob> decided = training.decided(runs, prepared.clips());
      for (int i = 0; ; i++) {
        TrainingRun run = new WatchedRun(decided.get(i), prepared, inFp32()).from(start);
        TrainingOutcome outcome;
        try {
          outcome = training.train(decided.get(i), run, held.get(i), watcher);
        } catch (OtherRunException other) {
          throw withChanges(other, decided.get(i).manifest(prepared.clips()), held.get(i).folder());
        }
        if (i == decided.size() - 1 || outcome.end() == End.STOPPED) {
          return outcome;
        }
      }
    } finally {
      held.forEach(FolderLock::close);
    }
  }

  /** This on an engine that offloads where the job says so, or leaves it open and needs it. */
  private JobTraining offloading(ResolvedJob job, PreparationReport data) {
    boolean offloads =
        job.job()
            .train()
            .offload()
            .applies(() -> TrainingBytes.of(job, data), engine.freeDeviceMemory());
    if (offloads) {
      out.println("offload: frozen weights come to the device by segment");
      out.flush();
    }
    return new JobTraining(engine.offloading(offloads), out, err);
  }

  /** Of data that is not as it was, says which clips are not. */
  private static CheckpointException withChanges(
      OtherRunException other, DataManifest now, Path folder) {
    return Optional.of(other)
        .filter(refused -> refused.setting().equals("data"))
        .flatMap(refused -> now.changesSince(folder))
        .map(
            changes ->
                new CheckpointException(
                    "%s: cannot go on with other data: %s; restore it or start in another output folder"
                        .formatted(folder, changes),
                    other))
        .orElse(other);
  }

  /** The runs with their positions, which a probe chooses where the job leaves them open. */
  private List<ResolvedJob> decided(List<ResolvedJob> runs, CachedSet clips) {
    try (var progress = new ItemProgress("probing", err)) {
      OpenPositions positions =
          OpenPositions.decide(
              runs, clips, engine, (done, total) -> progress.reached("stages", done, total));
      positions.words().ifPresent(out::println);
      out.flush();
      return positions.runs();
    }
  }

  /** Cached latents, embeddings and pictures do not depend on how the denoiser is computed. */
  private TorchEngine inFp32() {
    return engine.computing(Arithmetic.FP32);
  }

  private TrainingOutcome train(
      ResolvedJob job, TrainingRun run, FolderLock held, TrainingListener watcher) {
    job.expert().ifPresent(name -> out.printf("training %s in %s%n", name, held.folder()));
    out.flush();
    try (var stop = StopRequest.open();
        var meter = ProgressMeter.start("training", run.settings().steps(), err)) {
      var reporter = new Reporter(stop, meter, out, watcher);
      return Trainer.train(run, engine, reporter, held);
    } finally {
      out.flush();
    }
  }

  private record Reporter(
      StopRequest stop, ProgressMeter meter, PrintWriter out, TrainingListener watcher)
      implements TrainingListener {
    @Override
    public void stepped(TrainingProgress progress) {
      watcher.stepped(progress);
      meter.reached(
          progress.step(),
          String.format(
              Locale.ROOT,
              "loss %s, %.2f steps/s, rate %.2g",
              byStage(progress.smoothedLosses()),
              progress.stepsPerSecond(),
              progress.learningRate()),
          progress.left().words());
    }

    /** Such as {@code 3: 0.4210, 2: 0.3911, 1: 0.2904}; one stage needs no number. */
    private static String byStage(Map<Integer, Double> losses) {
      return losses.entrySet().stream()
          .map(
              stage ->
                  (losses.size() == 1 && losses.containsKey(1) ? "" : stage.getKey() + ": ")
                      + String.format(Locale.ROOT, "%.4f", stage.getValue()))
          .collect(Collectors.joining(", "));
    }

    @Override
    public void resumed(Path state, List<String> damaged) {
      watcher.resumed(state, damaged);
      damaged.forEach(line -> out.println("passed over: " + line));
      out.println("going on from " + state);
      out.flush();
    }

    @Override
    public void validated(int step, Map<Integer, Double> losses) {
      watcher.validated(step, losses);
      out.printf("validation at step %d%nstage    loss%n", step);
      losses.forEach((stage, loss) -> out.printf(Locale.ROOT, "%5d  %.4f%n", stage, loss));
      out.flush();
    }

    @Override
    public void sampled(int step, int prompt, Latents latents) {
      watcher.sampled(step, prompt, latents);
    }

    @Override
    public void shown(SampleShown sample) {
      watcher.shown(sample);
      out.println("sampled " + sample.file());
      out.flush();
    }

    @Override
    public void saved(Path folder) {
      watcher.saved(folder);
      out.println("saved " + folder);
      out.flush();
    }

    @Override
    public boolean stopAsked() {
      return stop.isAsked() || watcher.stopAsked();
    }
  }
}
