package io.github.tpdiff.cli.demo;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.Words;
import java.util.ArrayList;
import java.util.Optional;

/**
 * The pyramid of the demo's LoRA: three stages over time unless others are asked for.
 *
 * @param choice what is asked for
 */
record DemoStages(StageChoice choice) {
  private static final int USUAL = 3;

  /** Whether anything is asked for. */
  boolean areSaid() {
    return !choice.equals(StageChoice.asTrained());
  }

  /**
   * What clips must divide into.
   *
   * @throws IllegalArgumentException if what is asked for does not go together
   */
  StageConfig config(FrameResampling frames) {
    return choice.orCount(USUAL).decide(Optional.empty(), StageConfig.pyramid(1, frames)).stages();
  }

  /** The section of a job. */
  String section() {
    StageChoice asked = choice.orCount(USUAL);
    var keys = new ArrayList<String>();
    keys.add(
        asked.rates().isEmpty()
            ? "count: " + asked.count().orElseThrow()
            : "rates: " + asked.rates());
    if (!asked.boundaries().isEmpty()) {
      keys.add("boundaries: " + asked.boundaries());
    }
    word("downsampling", asked.downsampling()).ifPresent(keys::add);
    word("upsampling", asked.upsampling()).ifPresent(keys::add);
    word("space_downsampling", asked.spaceDownsampling()).ifPresent(keys::add);
    word("space_upsampling", asked.spaceUpsampling()).ifPresent(keys::add);
    word("targets", asked.targets()).ifPresent(keys::add);
    asked.positions().ifPresent(own -> keys.add("positions: " + own));
    word("target_scale", asked.targetScale()).ifPresent(keys::add);
    word("ends", asked.ends()).ifPresent(keys::add);
    keys.add("alignment_window: 12");
    return "stages: {" + String.join(", ", keys) + "}\n";
  }

  private static Optional<String> word(String key, Optional<? extends Enum<?>> own) {
    return own.map(constant -> key + ": " + Words.of(constant));
  }

  /** What sampling is asked for: how the steps are shared; all else is as it was trained. */
  StageChoice sampling() {
    return StageChoice.stepSplit(choice.stepSplit());
  }
}
