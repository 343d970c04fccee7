package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.adapters.madeup.MadeUpTokenizer;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The sizes that can be written with made-up weights. */
final class AnimateDiffTemplates {
  private AnimateDiffTemplates() {}

  static Map<String, CheckpointTemplate> all() {
    return Map.of("animatediff-tiny", tiny(), "animatediff-sd15", published());
  }

  private static CheckpointTemplate tiny() {
    AnimateDiffSizes sizes = AnimateDiffSizes.tiny();
    var passage = new NoisePassage(sizes.unet());
    List<MadeUpPart> parts =
        sizes.parts(
            new AnimateDiffSizes.Start(
                passage::find, new FrameStart(passage.taken())::find, new PictureCodec()::find));
    return new MadeUpCheckpoint(
        "AnimateDiff in small (two levels of width 32 and 48): weights to train,"
            + " and a codec that shows blurred pictures",
        parts,
        parts.stream().map(MadeUpPart::folder).toList(),
        AnimateDiffTemplates::scale,
        surroundings(sizes, Optional.of(AnimateDiffDefaults.TINY)));
  }

  private static CheckpointTemplate published() {
    return new MadeUpCheckpoint(
        "the sizes of Stable Diffusion 1.5 with motion modules v3, random weights",
        AnimateDiffSizes.SD_1_5.parts(AnimateDiffSizes.Start.RANDOM),
        List.of("unet", "motion_adapter", "vae"),
        AnimateDiffTemplates::scale,
        surroundings(AnimateDiffSizes.SD_1_5, Optional.empty()));
  }

  private static MadeUpCheckpoint.Surroundings surroundings(
      AnimateDiffSizes sizes, Optional<ModelDescription.Defaults> defaults) {
    return new MadeUpCheckpoint.Surroundings(
        Map.of(
            "model_index.json",
            PartConfigs.modelIndex(),
            "scheduler/scheduler_config.json",
            AnimateDiffDefaults.SCHEDULER),
        List.of(MadeUpTokenizer.only(folder -> sizes.tokenizer().write(folder))),
        defaults);
  }

  /** What ends a residual branch starts small, so that activations keep their size. */
  private static double scale(TensorInfo info) {
    String name = info.name();
    boolean last =
        name.endsWith(".proj_out.weight")
            || name.endsWith(".conv2.weight")
            || name.equals("conv_out.weight");
    return last ? 0.1 : 1;
  }
}
