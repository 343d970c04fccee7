package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.CheckpointFingerprint;
import io.github.tpdiff.lora.data.TrainingSet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A training to be done.
 *
 * @param target what is trained
 * @param data on what
 * @param settings how
 * @param gradients where they come from, if not from the engine that trains
 * @param validation how it is judged, if at all
 * @param samples what is made to look at, if anything
 * @param states where it is kept, if at all
 * @param logs where it is written down in that folder, beside its rows
 * @param start from the beginning or from the newest state
 * @param named every setting that decides the result, by name: a run goes on with the same only
 */
public record TrainingRun(
    TrainingTarget target,
    TrainingData data,
    TrainingSettings settings,
    Optional<GradientSource.Opening> gradients,
    Optional<Validation> validation,
    Optional<TrainingSamples> samples,
    Optional<StateFolder> states,
    List<RunLog.Opening> logs,
    Start start,
    Map<String, String> named) {

  /**
   * @throws IllegalArgumentException if what is trained has nothing that a setting is about
   */
  public TrainingRun {
    settings.descent().requireFit(target.parameters().keySet());
    logs = List.copyOf(logs);
    named = Collections.unmodifiableMap(new LinkedHashMap<>(named));
  }

  /** Where training starts. */
  public enum Start {
    /** From the first values; an output folder that has states is refused. */
    FRESH,
    /** From the newest state of the output folder, from the first values where it has none. */
    RESUME
  }

  /** Training on this process's engine, without validation or files. */
  public static TrainingRun of(
      TrainingTarget target, TrainingData data, TrainingSettings settings) {
    return new TrainingRun(
        target,
        data,
        settings,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Start.FRESH,
        Map.of("target", target.change(), "train", settings.withSteps(1).toString()));
  }

  /** The same on clips. */
  public static TrainingRun inMemory(
      TrainingTarget target,
      TrainingSet clips,
      PhasedDiffusion diffusion,
      TrainingSettings settings) {
    return of(target, new PhasedClips(clips, diffusion), settings)
        .identifiedBy(ownNames(target, diffusion, settings));
  }

  /** The same with a place for its states. */
  public TrainingRun savedIn(StateFolder folder, Start from) {
    return new TrainingRun(
        target,
        data,
        settings,
        gradients,
        validation,
        samples,
        Optional.of(folder),
        logs,
        from,
        named);
  }

  /** The same, judged. */
  public TrainingRun validatedOn(Validation other) {
    return new TrainingRun(
        target, data, settings, gradients, Optional.of(other), samples, states, logs, start, named);
  }

  /** The same with videos to look at. */
  public TrainingRun sampled(TrainingSamples other) {
    return new TrainingRun(
        target,
        data,
        settings,
        gradients,
        validation,
        Optional.of(other),
        states,
        logs,
        start,
        named);
  }

  /** The same written down in one more log; not read without a folder. */
  public TrainingRun loggedIn(RunLog.Opening log) {
    var more = new ArrayList<>(logs);
    more.add(log);
    return new TrainingRun(
        target, data, settings, gradients, validation, samples, states, more, start, named);
  }

  /** The same with gradients from elsewhere, and values that are moved on the host. */
  public TrainingRun withGradients(GradientSource.Opening other) {
    return new TrainingRun(
        target,
        data,
        settings,
        Optional.of(other),
        validation,
        samples,
        states,
        logs,
        start,
        named);
  }

  /** The same that nothing is told of and nobody judges: what it trains is the same. */
  public TrainingRun unwatched() {
    return new TrainingRun(
        target,
        data,
        settings,
        gradients,
        Optional.empty(),
        Optional.empty(),
        states,
        List.of(),
        start,
        named);
  }

  /** The same with other names of what decides the result. */
  public TrainingRun identifiedBy(Map<String, String> others) {
    return new TrainingRun(
        target, data, settings, gradients, validation, samples, states, logs, start, others);
  }

  /**
   * What must be the same when a run goes on, by setting; the number of steps may grow.
   *
   * @param arithmetic in which the engine computes
   */
  Map<String, String> identity(String arithmetic) {
    var identity = new LinkedHashMap<>(named);
    identity.put("compute", arithmetic);
    identity.putAll(data.identity());
    identity.put("model", CheckpointFingerprint.of(target.frozen()));
    return identity;
  }

  private static Map<String, String> ownNames(
      TrainingTarget target, PhasedDiffusion diffusion, TrainingSettings settings) {
    var named = new LinkedHashMap<String, String>();
    named.put("target", target.change());
    named.put("stages", diffusion.stages().toString());
    named.put("stages.weights", diffusion.weights().toString());
    named.put("stages.alignment", diffusion.alignment().toString());
    named.put("train.timesteps", diffusion.timesteps().toString());
    named.put("train.loss_weighting", diffusion.lossWeighting().toString());
    named.put("train", settings.withSteps(1).toString());
    return named;
  }
}
