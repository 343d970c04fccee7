package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.job.TrainingJob.Stages;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import java.util.Collections;
import java.util.List;

/** Reads the section {@code stages} of a job; see {@link TrainingJobReader}. */
final class StagesReader {
  private static final JobType<List<GridFactor>> RATES = JobType.list("rates", JobType.rate());

  private StagesReader() {}

  static Stages read(JobSection s) {
    if (s.has("count") && s.has("rates")) {
      throw new IllegalArgumentException("stages: give either count or rates, found both");
    }
    int count =
        s.value(
            "count",
            JobType.WHOLE,
            3,
            "Stages, each at twice the frame rate of the one before; from 1, which is vanilla"
                + " training, to 9.");
    if (count < 1 || count > 9) {
      throw new IllegalArgumentException("stages.count: from 1 to 9, found " + count);
    }
    List<GridFactor> rates =
        s.find(
                "rates",
                RATES,
                "2 over time from each stage to the next",
                "In place of `count`: the rate of each stage over the one before, one less than"
                    + " there are stages: of frames, `[2, 2]`, or of frames, rows and columns,"
                    + " `[[2, 2, 2], [2, 2, 2]]`; each to 64.")
            .orElse(Collections.nCopies(count - 1, GridFactor.ofTime(2)));
    return new Stages(
        rates,
        s.find(
                "boundaries",
                TrainingJobReader.NUMBERS,
                "equal parts of the checkpoint's schedule",
                "The time, in (0, 1) and falling, at which each stage after the first starts.")
            .orElse(List.of()),
        s.find(
                "step_split",
                JobType.list("whole numbers", JobType.WHOLE),
                "equal shares",
                "How a video's sampling steps are shared among the stages, such as `[1, 1, 2]`: of"
                    + " samples, and of whoever uses the result and asks for nothing else. Training"
                    + " does not depend on it; see `weights`.")
            .orElse(List.of()),
        s.value(
            "downsampling",
            JobType.choice(Downsampling.class),
            Downsampling.STRIDE,
            "How a stage takes its frames: every r-th, or the mean of r."),
        s.value(
            "upsampling",
            JobType.choice(Upsampling.class),
            Upsampling.NEAREST,
            "How a stage begins from the frames of the one before: repeated, or between them."),
        s.value(
            "space_downsampling",
            JobType.choice(Downsampling.class),
            Downsampling.MEAN,
            "How a stage takes its rows and columns: every r-th, or the mean of r."),
        s.value(
            "space_upsampling",
            JobType.choice(Upsampling.class),
            Upsampling.NEAREST,
            "How a stage begins from the rows and columns of the one before: repeated, or between"
                + " them."),
        s.value(
            "targets",
            JobType.choice(Targets.class),
            Targets.LATENT,
            "What a stage is to reach: latents of the clip with places dropped, or latents of a"
                + " smaller clip, whose frames are dropped and pixels averaged before the VAE."),
        s.find(
            "positions",
            JobType.positions(),
            "scaled over time alone; else what the checkpoint predicts best with before training",
            "Which positions the network is told in a stage: where a place lies in the full grid,"
                + " or as in a smaller video; one word, or one each for time, height and width."),
        s.find(
            "target_scale",
            JobType.choice(TargetScale.class),
            "the model's own",
            "The time in which a flow-matching network's velocity is measured: as a vanilla"
                + " checkpoint has it, or the stage's own."),
        s.value(
            "ends",
            JobType.choice(Ends.class),
            Ends.LINKED,
            "How far a stage goes that another follows: linked, to the noise from which the next"
                + " can start; clean, to a clip that the next upsamples and noises anew, which makes"
                + " a cascade: keyframes, then what lies between them."),
        s.find(
                "weights",
                TrainingJobReader.NUMBERS,
                "all alike",
                "How often each stage is trained, against the others.")
            .orElse(List.of()),
        s.find(
                "loss_weights",
                TrainingJobReader.NUMBERS,
                "all alike",
                "How much the error of each stage counts, against the others; the losses of training"
                    + " that are shown are weighted so, those of validation are not.")
            .orElse(List.of()),
        alignment(s, !rates.isEmpty()));
  }

  private static Alignment alignment(JobSection s, boolean staged) {
    // A vanilla baseline is vanilla, unless its job asks for more.
    Alignment.Reach usual =
        staged || s.has("alignment_window") ? Alignment.Reach.WINDOW : Alignment.Reach.NONE;
    return new Alignment(
        s.find(
                "alignment",
                JobType.choice(Alignment.Reach.class),
                "window; none for one stage without `alignment_window`",
                "Over which clips of one caption noises are exchanged so that each is near its"
                    + " clip: none, those of a batch, a window of upcoming ones.")
            .orElse(usual),
        s.value(
            "alignment_window",
            JobType.WHOLE,
            Alignment.DEFAULT_WINDOW,
            "Clips in a window; at least 1."));
  }
}
