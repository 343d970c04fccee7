package io.github.tpdiff.evaluation.experiment;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.job.JobRuns;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.SampleCost;
import io.github.tpdiff.lora.job.StepCost;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** The arms of an experiment as jobs of their checkpoints: their prices, and how fast they are. */
final class ExperimentArms {
  private final PlanFile file;
  private final Plan plan;
  private final ExperimentFolder folder;
  private final ExperimentHost host;
  private final Map<String, ArmFacts> facts = new LinkedHashMap<>();

  ExperimentArms(PlanFile file, ExperimentFolder folder, ExperimentHost host) {
    this.file = file;
    this.plan = file.plan();
    this.folder = folder;
    this.host = host;
  }

  /** What the arms are trained on. */
  Path data() {
    return place(plan.data(), folder.shapes());
  }

  /** A folder or list that is given, or drawn. */
  Path place(Plan.Data data, Path shapes) {
    return data.path().map(path -> file.folder().resolve(path)).orElse(shapes);
  }

  StartingCheckpoint checkpoint(String name) {
    Plan.Start start = plan.starts().getOrDefault(name, plan.starts().values().iterator().next());
    Path given = file.folder().resolve(start.path().orElse(""));
    return new StartingCheckpoint(name, start, given, folder.start(name));
  }

  TrainingJob job(String arm, int seed, int steps) {
    String start = plan.startOf(arm);
    return ArmJob.of(plan, arm)
        .at(
            checkpoint(start).path(),
            data(),
            folder.cache(start),
            folder.seed(arm, seed).resolve("run"))
        .to(steps, seed)
        .generating(folder.prompts(), plan.quality())
        .write(folder.job(arm, seed));
  }

  ArmPlan armPlan(String arm) {
    return ArmPlan.of(plan, checkpoint(plan.startOf(arm)).start(), arm);
  }

  /** Finds every arm that has been trained as another. */
  void requireAsBefore() {
    plan.arms()
        .keySet()
        .forEach(arm -> armPlan(arm).requireAsBefore(folder.armPlan(arm), file.origin()));
  }

  /** Prices all arms, and finds everything wrong with them before anything is trained. */
  void price() {
    plan.arms().keySet().forEach(arm -> facts.put(arm, price(arm)));
  }

  private ArmFacts price(String arm) {
    TrainingJob job = job(arm, 0, plan.budget().steps());
    try (VideoModel model = host.open(job.model().request())) {
      ResolvedJob run = run(arm, job, model);
      Optional<ClipSize> timed = plan.timedSize(arm);
      return new ArmFacts(
          StepCost.of(run).mean(),
          run.diffusion().stages().toString(),
          SampleCost.of(run, GenerationRequest.of("")).flops(),
          timed.isPresent()
              ? OptionalDouble.of((double) SampleCost.of(run, timedRequest(timed.get())).flops())
              : OptionalDouble.empty());
    }
  }

  private static ResolvedJob run(String arm, TrainingJob job, VideoModel model) {
    List<ResolvedJob> runs = JobRuns.of(job, model);
    checkArgument(
        runs.size() == 1,
        "arms.%s: expected one denoiser to train, found %s; name one in job.model.denoiser",
        arm,
        runs.size());
    return runs.get(0);
  }

  /** What is timed; the rest is as in the clips that quality is measured on. */
  private GenerationRequest timedRequest(ClipSize size) {
    var video =
        new VideoChoice(
            Optional.of(size.width()),
            Optional.of(size.height()),
            Optional.of(size.frames()),
            Optional.empty());
    return GenerationRequest.of("a shape moves")
        .withVideo(video)
        .withSampling(SamplingChoice.open().withSteps(plan.speed().orElseThrow().steps()));
  }

  Map<String, ArmFacts> facts() {
    return facts;
  }

  ArmFacts facts(String arm) {
    return Optional.ofNullable(facts.get(arm)).orElseThrow();
  }

  /** Steps of an arm at a share of the budget. */
  int steps(String arm, double share) {
    double budget = plan.budget().steps() * facts(plan.againstOf(arm)).flopsPerStep();
    return (int) Math.max(1, Math.round(share * budget / facts(arm).flopsPerStep()));
  }

  /** Times the videos that have not been, arm after arm in every round. */
  void time() {
    int rounds = plan.speed().map(Plan.Speed::rounds).orElse(0);
    for (int round = 0; round < rounds; round++) {
      for (String arm : plan.arms().keySet()) {
        if (plan.timedSize(arm).isPresent() && timed(arm, round).isEmpty()) {
          host.tell("timing %s, round %d of %d".formatted(arm, round + 1, rounds));
          ExperimentFolder.write(
              folder.timed(arm, round), time(arm, plan.timedSize(arm).orElseThrow()));
        }
      }
    }
  }

  private TimedVideo time(String arm, ClipSize size) {
    TrainingJob job = job(arm, 0, plan.budget().steps());
    try (VideoModel model = host.open(job.model().request());
        var parts = new InAnyStages(host.parts(model))) {
      GenerationRequest request = timedRequest(size);
      SamplingChoice sampling =
          request
              .sampling()
              .withGuidance(plan.quality().guidance())
              .withStages(StageChoice.of(run(arm, job, model).diffusion().stages()));
      var times = new TimedVideo.StepTimes();
      new VideoPipeline(parts).generate(request.withSampling(sampling), times);
      return new TimedVideo(size.toString(), plan.speed().orElseThrow().steps(), times.seconds());
    }
  }

  private Optional<TimedVideo> timed(String arm, int round) {
    return ExperimentFolder.find(folder.timed(arm, round), TimedVideo.class)
        .filter(
            video ->
                video.isOf(
                    plan.timedSize(arm).orElseThrow().toString(),
                    plan.speed().orElseThrow().steps()));
  }

  /** What of an arm was timed, round by round. */
  List<TimedVideo> timed(String arm) {
    return plan.timedSize(arm).isEmpty()
        ? List.of()
        : IntStream.range(0, plan.speed().orElseThrow().rounds())
            .mapToObj(round -> timed(arm, round))
            .flatMap(Optional::stream)
            .toList();
  }
}
