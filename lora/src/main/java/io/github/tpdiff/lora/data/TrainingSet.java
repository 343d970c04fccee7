package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.CleanPair;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Clips as normalised latents with what the model is told about each, and smaller videos of them
 * where stages aim at those. Training asks for clips on two threads.
 */
public interface TrainingSet {
  /** The shape of each clip's latents at full frame rate, as a batch of one. */
  List<LatentShape> shapes();

  /** How often each clip is visited: once an epoch, unless the set says otherwise. */
  default EpochVisits<LatentShape> visits() {
    return EpochVisits.of(
        shapes(), Collections.nCopies(shapes().size(), 0), List.of(SetShare.once()));
  }

  /** Normalised latents of a clip, read when asked for. */
  Latents latents(int clip);

  /**
   * The same of a smaller video of the clip.
   *
   * @param strides places of the clip's grid from one of the smaller video's to the next
   * @throws IllegalArgumentException if the set has none of these strides
   */
  default Latents latents(int clip, GridFactor strides) {
    checkArgument(
        strides.equals(GridFactor.ONE),
        "data: expected clips with strides %s, which stages of pixel targets aim at, found clips"
            + " alone",
        strides);
    return latents(clip);
  }

  /** The clean latents x^(k) of a clip in a stage. */
  default Latents clean(int clip, StagePlan plan, Stage stage) {
    return switch (plan.config().targets()) {
      case LATENT -> plan.clean(stage, latents(clip));
      case PIXEL -> latents(clip, stage.strides());
    };
  }

  /** The clean latents of a clip between which a stage runs. */
  default CleanPair cleanPair(int clip, StagePlan plan, Stage stage) {
    return switch (plan.config().targets()) {
      case LATENT -> plan.cleanPair(stage, latents(clip));
      case PIXEL ->
          new CleanPair(
              clean(clip, plan, stage),
              plan.coarser(stage).map(before -> clean(clip, plan, before)));
    };
  }

  /** What the network is told of a clip, with a batch axis of one. */
  Conditions conditions(int clip);

  /** The values that the prompt decides which stands in for dropped captions. */
  Map<String, Tensor> uncaptioned();

  /** What the network is told of a clip of which it is shown so much. */
  default Conditions conditions(int clip, Shown shown) {
    Conditions own = conditions(clip);
    Conditions captioned = shown.caption() ? own : own.with(uncaptioned());
    return shown.picture() ? captioned : captioned.withoutPictures();
  }

  /** Changes when any clip or caption does. */
  String fingerprint();
}
