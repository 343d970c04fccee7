package io.github.tpdiff.evaluation.experiment;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.evaluation.shapes.ShapeFolder;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.StepCost;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.runtime.model.VideoModel;
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
  private final PlanFile file;
  private final Plan plan;
  private final ExperimentFolder folder;
  private final ExperimentHost host;
  private final Path data;
  private final Clips clips;
  private final Map<String, ArmFacts> facts = new LinkedHashMap<>();

  /**
   * @param file what is done
   * @param folder where; made if it is missing
   */
  public Experiment(PlanFile file, Path folder, ExperimentHost host) {
    this.file = file;
    this.plan = file.plan();
    this.folder = new ExperimentFolder(folder);
    this.host = host;
    this.data =
        plan.data().path().map(path -> file.folder().resolve(path)).orElse(this.folder.shapes());
    this.clips = Clips.of(plan, data);
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
      var vanilla = new StartingCheckpoint.Vanilla(plan, data, folder.cache(start));
      if (!checkpoint(start).train(host, vanilla)) {
        return false;
      }
    }
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
            Locale.ROOT, "%-24s %-24s %14s  %s", "arm", "against", "GFLOPs a step", "steps to"));
    for (String arm : plan.arms().keySet()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-24s %-24s %14.3f  %s",
              arm,
              plan.againstOf(arm),
              facts(arm).flopsPerStep() / 1e9,
              plan.shares().stream().map(share -> steps(arm, share)).toList()));
    }
    lines.add(
        "each with %d seeds; %d clips of %d sampler steps at every point"
            .formatted(plan.seeds(), clips.prompts().size(), plan.quality().steps()));
    return lines;
  }

  /** Clips, prompts, checkpoints that are not trained yet, and the price of every arm. */
  private void prepare() throws IOException {
    plan.arms()
        .keySet()
        .forEach(arm -> armPlan(arm).requireAsBefore(folder.armPlan(arm), file.origin()));
    if (plan.data().shapes().isPresent()) {
      host.tell("drawing " + plan.data().shapes().get().clips() + " clips");
      new ShapeFolder(data, plan.data().shapes().get()).write((done, total) -> {});
    }
    clips.writePrompts(folder.prompts());
    for (String start : plan.starts().keySet()) {
      checkpoint(start).write(host, plan);
    }
    for (String arm : plan.arms().keySet()) {
      facts.put(arm, price(arm));
    }
  }

  private StartingCheckpoint checkpoint(String name) {
    Plan.Start start = plan.starts().getOrDefault(name, plan.starts().values().iterator().next());
    Path given = file.folder().resolve(start.path().orElse(""));
    return new StartingCheckpoint(name, start, given, folder.start(name));
  }

  private TrainingJob job(String arm, int seed, int steps) {
    String start = plan.startOf(arm);
    return ArmJob.of(plan, arm)
        .at(
            checkpoint(start).path(),
            data,
            folder.cache(start),
            folder.seed(arm, seed).resolve("run"))
        .to(steps, seed)
        .generating(folder.prompts(), plan.quality())
        .write(folder.job(arm, seed));
  }

  private ArmPlan armPlan(String arm) {
    return ArmPlan.of(plan, checkpoint(plan.startOf(arm)).start(), arm);
  }

  /** Prices an arm, and finds everything wrong with it before anything is trained. */
  private ArmFacts price(String arm) {
    TrainingJob job = job(arm, 0, plan.budget().steps());
    try (VideoModel model = host.open(job.model().request())) {
      List<ResolvedJob> runs = JobRuns.of(job, model);
      checkArgument(
          runs.size() == 1,
          "arms.%s: expected one denoiser to train, found %s; name one in job.model.denoiser",
          arm,
          runs.size());
      return new ArmFacts(
          StepCost.of(runs.get(0)).mean(), runs.get(0).diffusion().stages().toString());
    }
  }

  /** Steps of an arm at a share of the budget. */
  private int steps(String arm, double share) {
    double budget = plan.budget().steps() * facts(plan.againstOf(arm)).flopsPerStep();
    return (int) Math.max(1, Math.round(share * budget / facts(arm).flopsPerStep()));
  }

  private ArmFacts facts(String arm) {
    return Optional.ofNullable(facts.get(arm)).orElseThrow();
  }

  /** Whether all points of an arm with a seed are there. */
  private boolean train(String arm, int seed) throws IOException {
    ExperimentFolder.write(folder.armPlan(arm), armPlan(arm));
    int before = 0;
    double seconds = 0;
    List<Double> shares = plan.shares();
    for (int point = 0; point < shares.size(); point++) {
      Path result = folder.point(arm, seed, point);
      int steps = Math.max(before + 1, steps(arm, shares.get(point)));
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
                    steps * facts(arm).flopsPerStep(),
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
    TrainingJob job = job(arm, seed, steps);
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
    var results = new LinkedHashMap<String, List<List<PointResult>>>();
    for (String arm : plan.arms().keySet()) {
      var seeds = new ArrayList<List<PointResult>>();
      for (int seed = 0; seed < plan.seeds(); seed++) {
        int own = seed;
        seeds.add(
            IntStream.range(0, plan.budget().points())
                .mapToObj(p -> folder.point(arm, own, p))
                .flatMap(path -> ExperimentFolder.find(path, PointResult.class).stream())
                .toList());
      }
      results.put(arm, seeds);
    }
    var report = ExperimentReport.of(plan, facts, results);
    ExperimentFolder.write(folder.reportJson(), report);
    new ExperimentPage(plan, report).write(folder.reportPage());
  }
}
