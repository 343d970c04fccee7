package io.github.tpdiff.runtime.diffusion;

import java.util.LinkedHashMap;
import java.util.Map;

/** What a denoiser that was trained for a pyramid depends on, in words for users. */
public final class StageTraits {
  /** Name of the rates. */
  public static final String RATES = "rates";

  /** Name of the times at which stages start. */
  public static final String BOUNDARIES = "boundaries";

  private StageTraits() {}

  /** The value of each trait by its name, in the order in which they are told. */
  public static Map<String, String> of(StageConfig stages) {
    var traits = new LinkedHashMap<String, String>();
    traits.put(RATES, stages.rates().toString());
    traits.put(
        BOUNDARIES,
        stages.boundaries().isEmpty() ? "of the schedule" : stages.boundaries().toString());
    traits.put("downsampling", Words.of(stages.resampling().downsampling()));
    traits.put("upsampling", Words.of(stages.resampling().upsampling()));
    traits.put("downsampling of space", Words.of(stages.space().downsampling()));
    traits.put("upsampling of space", Words.of(stages.space().upsampling()));
    traits.put("targets", Words.of(stages.targets()));
    traits.put("positions", stages.positions().toString());
    traits.put("target scale", Words.of(stages.targetScale()));
    traits.put("ends", Words.of(stages.ends()));
    return traits;
  }
}
