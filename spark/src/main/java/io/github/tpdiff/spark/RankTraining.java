package io.github.tpdiff.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.tpdiff.cli.EngineOptions;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.OpenPositions;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingBytes;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.job.WatchedRun;
import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.lora.train.GradientSource;
import io.github.tpdiff.lora.train.StateFolder;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.torch.Arithmetic;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.spark.ring.Ring;
import io.github.tpdiff.spark.ring.RingException;
import io.github.tpdiff.spark.ring.Wire;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a rank of a training does. Rank 0 has the output folder: it writes states, logs and samples,
 * and measures what is held out, while the others wait. All take the same steps from the same
 * state, which is rank 0's newest.
 *
 * @param ring of all ranks
 * @param verb what is asked
 * @param data prepared
 */
record RankTraining(Ring ring, TrainVerb verb, PreparedFiles data) {
  private static final Pattern STEP = Pattern.compile("step-\\d{1,12}");

  /** A state has values, gradients' means and their squares in fp32 at most, and a header. */
  private static final long MOST_STATE_BYTES = 1L << 38;

  /** A rank 0 that was lost may still be writing when its successor begins. */
  private static final Duration HANDOVER = Duration.ofMinutes(2);

  private static final long LOOK_MILLIS = 500;

  /** How the training ended, of rank 0; nothing of the others. */
  String run() {
    TrainingJob job = verb.job();
    try (VideoModel model = Families.open(job.model().request());
        TorchEngine engine =
            EngineOptions.openTorch(verb.device()).computing(verb.compute().arithmetic())) {
      List<ResolvedJob> runs = JobRuns.of(job, model);
      TorchEngine inFp32 = engine.computing(Arithmetic.FP32);
      Prepared prepared = data.gather(runs.get(0).preparation(), new ModelEncoders(model, inFp32));
      boolean offloads =
          job.train()
              .offload()
              .applies(
                  () -> TrainingBytes.of(runs.get(0), prepared.report()),
                  engine.freeDeviceMemory());
      String end = "";
      for (ResolvedJob run : decided(runs, prepared, engine)) {
        end = train(run, prepared, engine.offloading(offloads));
      }
      return isFirst() ? end : "";
    }
  }

  private boolean isFirst() {
    return ring.rank() == 0;
  }

  /** The runs with positions that the job leaves open: each rank probes, and all must agree. */
  private List<ResolvedJob> decided(List<ResolvedJob> runs, Prepared prepared, TorchEngine engine) {
    OpenPositions positions =
        OpenPositions.decide(runs, prepared.clips(), engine, (done, total) -> {});
    String own = positions.runs().get(0).diffusion().stages().positions().toString();
    for (byte[] told : ring.gather(own.getBytes(UTF_8))) {
      String other = new String(told, UTF_8);
      if (!other.equals(own)) {
        throw new CheckpointException(
            "stages.positions: the job leaves them open, and executors chose differently, %s and %s; say them"
                .formatted(own, other));
      }
    }
    return positions.runs();
  }

  private String train(ResolvedJob job, Prepared prepared, TorchEngine engine) {
    TrainingRun run =
        withWire(
                new WatchedRun(job, prepared, engine.computing(Arithmetic.FP32)).from(Start.RESUME))
            .withGradients(
                (model, trained) ->
                    new RingGradients(ring, GradientSource.local().on(model, trained)));
    TrainingOutcome outcome = isFirst() ? asFirst(job, run, engine) : asOther(run, engine);
    ring.gather(new byte[0]); // rank 0 has written its result
    return "%s at step %d: %s"
        .formatted(
            outcome.end() == TrainingOutcome.End.FINISHED ? "finished" : "stopped",
            outcome.step(),
            job.job().output().folder());
  }

  /** A training whose gradients are rounded on their way is another than one whose are not. */
  private TrainingRun withWire(TrainingRun run) {
    if (verb.wire() == Wire.FP32) {
      return run;
    }
    var named = new LinkedHashMap<>(run.named());
    named.put("wire", verb.wire().name());
    return run.identifiedBy(named);
  }

  private TrainingOutcome asFirst(ResolvedJob job, TrainingRun run, TorchEngine engine) {
    try (FolderLock held = takeFolder(job)) {
      Optional<Path> state = run.states().orElseThrow().newestWhole();
      ring.gather(name(state).getBytes(UTF_8));
      state.ifPresent(file -> ring.copy(file, MOST_STATE_BYTES));
      return Trainer.train(run, engine, new TrainingListener() {}, held);
    }
  }

  /** The folder that a state is in, which says its step. */
  private static String name(Optional<Path> state) {
    return state.map(file -> file.getName(file.getNameCount() - 2).toString()).orElse("");
  }

  /** Takes the output folder as soon as the rank that had it is gone. */
  private static FolderLock takeFolder(ResolvedJob job) {
    long until = System.nanoTime() + HANDOVER.toNanos();
    while (true) {
      try {
        return job.takeFolder(Start.RESUME);
      } catch (CheckpointException taken) {
        if (System.nanoTime() > until) {
          throw taken;
        }
        sleep();
      }
    }
  }

  private static void sleep() {
    try {
      Thread.sleep(LOOK_MILLIS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new RingException("ring: interrupted", interrupted);
    }
  }

  private TrainingOutcome asOther(TrainingRun run, TorchEngine engine) {
    try (var scratch = Scratch.create()) {
      String name = new String(ring.gather(new byte[0]).get(0), UTF_8);
      if (!name.isEmpty()) {
        if (!STEP.matcher(name).matches()) {
          throw new RingException("ring: expected a state's name, found " + name);
        }
        Path folder = scratch.folder().resolve("states").resolve(name);
        Files.createDirectories(folder);
        ring.copy(folder.resolve(StateFolder.STATE), MOST_STATE_BYTES);
      }
      var own = new StateFolder(scratch.folder(), Integer.MAX_VALUE, 1, (to, snapshot) -> {});
      return Trainer.train(
          run.unwatched().savedIn(own, Start.RESUME), engine, new TrainingListener() {});
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
