package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.train.PhasedClips;
import io.github.tpdiff.lora.train.StageLosses;
import io.github.tpdiff.lora.train.StageProbe;
import io.github.tpdiff.lora.train.StageProbe.Asked;
import io.github.tpdiff.lora.train.StageProbe.Extent;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.engine.Engine;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Decides the positions that a job leaves open: those of a pyramid over space, by a probe of the
 * checkpoint on some of the job's own clips. Over time alone they are scaled.
 *
 * <p>A run that goes on has the positions that it began with, as its states say.
 *
 * @param runs of a job, which are told the same positions
 * @param words on what was decided and why, if there was a choice
 */
public record OpenPositions(List<ResolvedJob> runs, Optional<String> words) {
  public OpenPositions {
    runs = List.copyOf(runs);
  }

  /**
   * Decides.
   *
   * @param runs of a job, as resolved
   * @param clips that it is trained on
   * @param engine that runs the checkpoint, if a probe is needed
   */
  public static OpenPositions decide(
      List<ResolvedJob> runs, CachedSet clips, Engine engine, StageProbe.Listener listener) {
    List<PositionRules> choices = choices(runs.get(0));
    if (choices.size() == 1) {
      return new OpenPositions(runs, Optional.empty());
    }
    Optional<PositionRules> begun = begun(runs, choices);
    if (begun.isPresent()) {
      return decided(runs, begun.get(), "as this run began");
    }
    CachedSet training = clips.split(runs.get(0).job().data().validation()).training();
    var probe =
        new StageProbe(
            runs.stream().map(run -> asked(run, training)).toList(),
            runs.get(0).job().train().settings().seed());
    StageLosses losses = probe.losses(engine, Extent.POSITIONS, listener);
    return decided(runs, losses.best(), "the least loss before training: " + compared(losses));
  }

  private static OpenPositions decided(
      List<ResolvedJob> runs, PositionRules rules, String because) {
    return new OpenPositions(
        runs.stream().map(run -> run.withPositions(rules)).toList(),
        Optional.of("positions %s, %s".formatted(rules, because)));
  }

  private static String compared(StageLosses losses) {
    return losses.staged().keySet().stream()
        .map(rules -> String.format(Locale.ROOT, "%s %.4f", rules, losses.sum(rules)))
        .collect(Collectors.joining(", "));
  }

  private static Asked asked(ResolvedJob run, CachedSet clips) {
    return new Asked(
        TrainingTarget.network(run.model(), run.denoiser()),
        new PhasedClips(clips, run.diffusion(), Optional.of(run.denoiser())));
  }

  /** What there is to choose from; one where nothing is left open. */
  private static List<PositionRules> choices(ResolvedJob job) {
    var stages = job.diffusion().stages();
    boolean overSpace = GridFactor.areOverSpace(stages.rates());
    return job.job().stages().positions().isPresent() || !overSpace
        ? List.of(stages.positions())
        : StageProbe.choices(stages, TrainingTarget.network(job.model(), job.denoiser()).program());
  }

  private static Optional<PositionRules> begun(
      List<ResolvedJob> runs, List<PositionRules> choices) {
    return runs.stream()
        .flatMap(run -> run.recorded(JobSettings.POSITIONS).stream())
        .flatMap(text -> choices.stream().filter(rules -> rules.toString().equals(text)))
        .findFirst();
  }

  /** What a dry run says of a job whose positions are to be chosen. */
  static Optional<String> note(ResolvedJob job) {
    List<PositionRules> choices = choices(job);
    return choices.size() == 1
        ? Optional.empty()
        : Optional.of(
            "positions are left open: before the first step, a probe of %d clips chooses among %s"
                .formatted(
                    StageProbe.MOST_CLIPS,
                    choices.stream()
                        .map(PositionRules::toString)
                        .collect(Collectors.joining(", "))));
  }
}
