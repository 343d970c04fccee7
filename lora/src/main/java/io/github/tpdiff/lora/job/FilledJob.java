package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.BucketSizes;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.ClipSizes;
import io.github.tpdiff.runtime.diffusion.DiffusionForm;
import io.github.tpdiff.runtime.diffusion.FlowMatching;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.TimestepSampling;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** What a job leaves to the checkpoint, said. */
final class FilledJob {
  private FilledJob() {}

  /** The job as it was decided, everything said that can be. */
  static TrainingJob of(ResolvedJob resolved) {
    TrainingJob job = resolved.job();
    return new TrainingJob(
        job.file(),
        job.model(),
        data(resolved),
        stages(resolved),
        lora(resolved),
        train(resolved),
        sample(resolved),
        job.output());
  }

  private static TrainingJob.Data data(ResolvedJob resolved) {
    TrainingJob.Data data = resolved.job().data();
    return new TrainingJob.Data(
        data.sets(),
        data.cache(),
        // Sizes that are chosen are chosen again, within the same.
        data.buckets().isPresent()
            ? List.of()
            : resolved.sizes().stream().map(ClipSize::of).toList(),
        data.buckets().map(said -> buckets(said, resolved.clipSizes())),
        Optional.of(resolved.sizes().get(0).fps()),
        data.validation(),
        data.negativePrompt(),
        data.pictures());
  }

  private static TrainingJob.Buckets buckets(TrainingJob.Buckets said, ClipSizes chosen) {
    return chosen instanceof BucketSizes sizes
        ? new TrainingJob.Buckets(
            said.pixels(), sizes.budget().frames(), OptionalInt.of(sizes.budget().shapes()))
        : said;
  }

  private static TrainingJob.Stages stages(ResolvedJob resolved) {
    TrainingJob.Stages stages = resolved.job().stages();
    var diffusion = resolved.diffusion();
    return new TrainingJob.Stages(
        stages.rates(),
        StagePlan.fixed(diffusion.stages(), diffusion.schedule()).boundaries(),
        stages.stepSplit(),
        stages.downsampling(),
        stages.upsampling(),
        stages.spaceDownsampling(),
        stages.spaceUpsampling(),
        stages.targets(),
        Optional.of(diffusion.stages().positions()),
        Optional.of(diffusion.stages().targetScale()),
        stages.ends(),
        diffusion.weights().weights(),
        stages.lossWeights(),
        stages.alignment());
  }

  private static TrainingJob.Lora lora(ResolvedJob resolved) {
    TrainingJob.Lora lora = resolved.job().lora();
    return new TrainingJob.Lora(
        lora.kind(),
        lora.rank(),
        lora.alpha(),
        resolved.targets(),
        lora.exclude(),
        lora.ranks(),
        lora.dropout(),
        lora.origin());
  }

  private static TrainingJob.Train train(ResolvedJob resolved) {
    TrainingJob.Train train = resolved.job().train();
    DiffusionForm form = resolved.diffusion().schedule().form();
    return new TrainingJob.Train(
        train.settings(),
        train.weights(),
        train.frozen(),
        train.offload(),
        resolved.pictures().keptDropout(),
        Optional.of(timesteps(train, form)),
        OptionalDouble.of(shift(train, form)),
        train.leastTimestep(),
        train.greatestTimestep(),
        train.validateEvery());
  }

  private static TrainingJob.Sample sample(ResolvedJob resolved) {
    TrainingJob.Sample sample = resolved.job().sample();
    if (sample.isEmpty()) {
      return sample;
    }
    ModelDescription.Defaults defaults = resolved.model().description().defaults();
    return new TrainingJob.Sample(
        sample.prompts(),
        sample.file(),
        sample.every(),
        sample.first(),
        Optional.of(ClipSize.of(resolved.sampleSize())),
        sample.steps().or(() -> Optional.of(defaults.steps())),
        sample.guidance().or(() -> Optional.of(defaults.guidanceScale())),
        sample.seed(),
        sample.pictures());
  }

  /** How training times are spread. */
  static TrainingJob.Timesteps timesteps(TrainingJob.Train train, DiffusionForm form) {
    return train
        .timesteps()
        .orElse(
            form instanceof FlowMatching
                ? TrainingJob.Timesteps.LOGIT_NORMAL
                : TrainingJob.Timesteps.UNIFORM);
  }

  /** How far training times are moved towards noise. */
  static double shift(TrainingJob.Train train, DiffusionForm form) {
    return train.timestepShift().orElse(TimestepSampling.usualShift(form));
  }
}
