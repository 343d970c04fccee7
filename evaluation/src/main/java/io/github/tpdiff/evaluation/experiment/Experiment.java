package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.shapes.ShapeFolder;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Runs a plan: every arm with every seed to every point, one after another, and a report after
 * each. Stopped at any time, it goes on with what is not there yet.
 */
public final class Experiment {
  private final Plan plan;
  private final ExperimentFolder folder;
  private final ExperimentHost host;
  private final ExperimentArms arms;
  private final Clips clips;

  /**
   * @param file what is done
   * @param folder where; made if it is missing
   */
  public Experiment(PlanFile file, Path folder, ExperimentHost host) {
    this.plan = file.plan();
    this.folder = new ExperimentFolder(folder);
    this.host = host;
    this.arms = new ExperimentArms(file, this.folder, host);
    this.clips = Clips.of(plan, arms.data());
  }

  /**
   * Does what is left to do.
   *
   * @return false if the user stopped it
   * @throws CheckpointException if the folder holds what another plan made, or a job is refused
   */
  public boolean run() throws IOException {
    FolderLock held = FolderLock.of(folder.root());
    try {
      return runAlone();
    } finally {
      held.close();
    }
  }

  private boolean runAlone() throws IOException {
    prepare();
    for (String start : plan.starts().keySet()) {
      var vanilla = new StartingCheckpoint.Vanilla(plan, dataOf(start), folder.cache(start));
      if (!arms.checkpoint(start).train(host, vanilla)) {
        return false;
      }
    }
    arms.time();
    for (int seed = 0; seed < plan.seeds(); seed++) {
      for (String arm : plan.arms().keySet()) {
        if (!train(arm, seed)) {
          return false;
        }
      }
    }
    report();
    return true;
  }

  /**
   * Finds everything wrong with the plan, and says what it would do: nothing is trained.
   *
   * @return lines for people
   */
  public List<String> dryRun() throws IOException {
    FolderLock held = FolderLock.of(folder.root());
    try {
      prepare();
    } finally {
      held.close();
    }
    var lines = new ArrayList<String>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%-24s %-24s %14s %15s  %s",
            "arm",
            "against",
            "GFLOPs a step",
            "GFLOPs a video",
            "steps to"));
    for (String arm : plan.arms().keySet()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-24s %-24s %14.3f %15.3f  %s",
              arm,
              plan.againstOf(arm),
              arms.facts(arm).flopsPerStep() / 1e9,
              arms.facts(arm).flopsPerVideo() / 1e9,
              plan.shares().stream().map(share -> arms.steps(arm, share)).toList()));
    }
    lines.add(
        "each with %d seeds; %d clips of %d sampler steps at every point"
            .formatted(plan.seeds(), clips.prompts().size(), plan.quality().steps()));
    return lines;
  }

  /** Clips, prompts, checkpoints that are not trained yet, and the price of every arm. */
  private void prepare() throws IOException {
    arms.requireAsBefore();
    draw(plan.data(), arms.data());
    clips.writePrompts(folder.prompts());
    for (Map.Entry<String, Plan.Start> start : plan.starts().entrySet()) {
      start.getValue().data().ifPresent(own -> draw(own, dataOf(start.getKey())));
      arms.checkpoint(start.getKey()).write(host, plan);
    }
    arms.price();
  }

  /** What the vanilla training of a start is on. */
  private Path dataOf(String start) {
    return arms.checkpoint(start)
        .start()
        .data()
        .map(own -> arms.place(own, folder.shapes(start)))
        .orElse(arms.data());
  }

  private void draw(Plan.Data data, Path place) {
    data.shapes()
        .ifPresent(
            shapes -> {
              host.tell("drawing " + shapes.clips() + " clips");
              new ShapeFolder(place, shapes).write((done, total) -> {});
            });
  }

  /** Whether all points of an arm with a seed are there. */
  private boolean train(String arm, int seed) throws IOException {
    ExperimentFolder.write(folder.armPlan(arm), arms.armPlan(arm));
    int before = 0;
    double seconds = 0;
    List<Double> shares = plan.shares();
    for (int point = 0; point < shares.size(); point++) {
      Path result = folder.point(arm, seed, point);
      int steps = Math.max(before + 1, arms.steps(arm, shares.get(point)));
      Optional<PointResult> known = ExperimentFolder.find(result, PointResult.class);
      if (known.isEmpty()) {
        host.tell(
            String.format(
                Locale.ROOT,
                "%s, seed %d: to step %d, %.3g of the budget",
                arm,
                seed,
                steps,
                shares.get(point)));
        known = reach(arm, seed, point, steps);
        if (known.isEmpty()) {
          return false;
        }
        PointResult reached = known.get();
        known =
            Optional.of(
                new PointResult(
                    shares.get(point),
                    steps,
                    steps * arms.facts(arm).flopsPerStep(),
                    seconds + (steps - before) * reached.seconds(),
                    reached.videoSeconds(),
                    reached.measures(),
                    reached.failure()));
        ExperimentFolder.write(result, known.get());
        report();
      }
      if (known.get().failure().isPresent()) {
        return true; // what diverged has no further points
      }
      seconds = known.get().seconds();
      before = steps;
    }
    return true;
  }

  /**
   * Trains to a point and judges; its seconds are those of a step. Empty if the user stopped it.
   */
  private Optional<PointResult> reach(String arm, int seed, int point, int steps)
      throws IOException {
    TrainingJob job = arms.job(arm, seed, steps);
    Path seen = folder.trained(arm, seed, point);
    var watch =
        new Watch(steps, clips.prompts().size(), trained -> ExperimentFolder.write(seen, trained));
    try {
      if (host.train(job, watch).end() == TrainingOutcome.End.STOPPED) {
        return Optional.empty();
      }
    } catch (NonFiniteException diverged) {
      host.tell(arm + " diverged: " + diverged.getMessage());
      return Optional.of(PointResult.failed(0, steps, String.valueOf(diverged.getMessage())));
    }
    Trained trained =
        ExperimentFolder.find(seen, Trained.class)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s: expected what the training to step %d left, found nothing; delete %s"
                            .formatted(seen, steps, folder.seed(arm, seed))));
    List<Path> made =
        IntStream.range(0, clips.prompts().size())
            .mapToObj(prompt -> job.output().sample(steps, prompt, "mp4"))
            .toList();
    var measures = new LinkedHashMap<>(clips.judge(made));
    trained.losses().forEach((stage, loss) -> measures.put(Measure.loss(stage), loss));
    Optional.ofNullable(trained.losses().get(1))
        .ifPresent(loss -> measures.put(Measure.LOSS.name(), loss));
    return Optional.of(
        new PointResult(
            0,
            steps,
            0,
            trained.secondsPerStep(),
            trained.videoSeconds(),
            measures,
            Optional.empty()));
  }

  private void report() {
    var results = new LinkedHashMap<String, ExperimentReport.Seen>();
    for (String arm : plan.arms().keySet()) {
      var seeds = new ArrayList<List<PointResult>>();
      for (int seed = 0; seed < plan.seeds(); seed++) {
        seeds.add(points(arm, seed));
      }
      results.put(arm, new ExperimentReport.Seen(seeds, arms.timed(arm)));
    }
    var report = ExperimentReport.of(plan, arms.facts(), results);
    ExperimentFolder.write(folder.reportJson(), report);
    new ExperimentPage(plan, report).write(folder.reportPage());
  }

  /** Shares are those of the budget as it is now. */
  private List<PointResult> points(String arm, int seed) {
    List<Double> shares = plan.shares();
    return IntStream.range(0, shares.size())
        .mapToObj(
            p ->
                ExperimentFolder.find(folder.point(arm, seed, p), PointResult.class)
                    .map(point -> point.at(shares.get(p))))
        .flatMap(Optional::stream)
        .toList();
  }
}
