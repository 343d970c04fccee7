package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.CheckpointFingerprint;
import io.github.tpdiff.lora.data.TrainingSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A training to be done.
 *
 * @param target what is trained
 * @param clips on what
 * @param diffusion for what
 * @param settings how
 * @param validation how it is judged, if at all
 * @param samples what is made to look at, if anything
 * @param states where it is kept, if at all
 * @param start from the beginning or from the newest state
 */
public record TrainingRun(
    TrainingTarget target,
    TrainingSet clips,
    PhasedDiffusion diffusion,
    TrainingSettings settings,
    Optional<Validation> validation,
    Optional<TrainingSamples> samples,
    Optional<StateFolder> states,
    Start start) {

  /** Where training starts. */
  public enum Start {
    /** From the first values; an output folder that has states is refused. */
    FRESH,
    /** From the newest state of the output folder, from the first values where it has none. */
    RESUME
  }

  /** Training without validation or files. */
  public static TrainingRun inMemory(
      TrainingTarget target,
      TrainingSet clips,
      PhasedDiffusion diffusion,
      TrainingSettings settings) {
    return new TrainingRun(
        target,
        clips,
        diffusion,
        settings,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Start.FRESH);
  }

  /** The same with a place for its states. */
  public TrainingRun savedIn(StateFolder folder, Start from) {
    return new TrainingRun(
        target, clips, diffusion, settings, validation, samples, Optional.of(folder), from);
  }

  /** The same, judged. */
  public TrainingRun validatedOn(Validation other) {
    return new TrainingRun(
        target, clips, diffusion, settings, Optional.of(other), samples, states, start);
  }

  /** The same with videos to look at. */
  public TrainingRun sampled(TrainingSamples other) {
    return new TrainingRun(
        target, clips, diffusion, settings, validation, Optional.of(other), states, start);
  }

  /** What must be the same when a run goes on; the number of steps may grow. */
  Map<String, String> identity() {
    var identity = new LinkedHashMap<String, String>();
    identity.put("data", clips.fingerprint());
    identity.put("model", CheckpointFingerprint.of(target.frozen()));
    identity.put("stages", diffusion.stages().toString());
    identity.put("stages.weights", diffusion.weights().toString());
    identity.put("stages.alignment", diffusion.alignment().toString());
    identity.put("train.timesteps", diffusion.timesteps().toString());
    identity.put("train.seed", Long.toString(settings.seed()));
    identity.put("train.batches", settings.batches().toString());
    identity.put("train.caption_dropout", Double.toString(settings.captionDropout()));
    identity.put("train.optimizer", settings.optimizer().adamW().toString());
    identity.put("train.learning_rate", settings.optimizer().learningRate().toString());
    identity.put("train.max_grad_norm", settings.optimizer().maxGradNorm().toString());
    return identity;
  }
}
