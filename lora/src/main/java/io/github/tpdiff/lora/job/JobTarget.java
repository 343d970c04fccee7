package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.WeightChange;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a job trains: changes of a network's layers, or tensors of it in full, on weights that stay.
 *
 * @param resolved the job
 */
record JobTarget(ResolvedJob resolved) {
  private TrainingJob job() {
    return resolved.job();
  }

  /** The injection that the job asks for; empty where it trains tensors in full. */
  Optional<LoraInjection> injection() {
    if (!job().train().weights().isEmpty()) {
      return Optional.empty();
    }
    TrainingJob.Lora lora = job().lora();
    Program program = TrainingTarget.network(resolved.model(), resolved.denoiser()).program();
    var injection =
        lora.origin()
            .first(resolved.expert())
            .map(first -> LoraOrigin.injection(program, first, lora.dropout()))
            .orElseGet(
                () ->
                    LoraInjection.inject(
                        program,
                        new LoraConfig(
                            lora.kind(),
                            lora.rank(),
                            lora.alpha(),
                            resolved.targets(),
                            lora.exclude(),
                            lora.ranks()),
                        lora.dropout()));
    List<String> modules = injection.modules().stream().map(WeightChange::name).toList();
    for (LoraFormat format : job().output().formats()) {
      LoraWriter.requireNames(
          "output.formats", format, resolved.model().description().denoiser(), modules);
    }
    return Optional.of(injection);
  }

  /**
   * Names of what is trained.
   *
   * @throws IllegalArgumentException if a pattern of tensors trained in full matches none
   */
  Set<String> trainedTensors() {
    Component network = TrainingTarget.network(resolved.model(), resolved.denoiser());
    return injection()
        .map(
            injection -> {
              var added = new LinkedHashSet<>(injection.program().weights().keySet());
              added.removeAll(network.program().weights().keySet());
              return (Set<String>) added;
            })
        .orElseGet(
            () ->
                new LinkedHashSet<>(
                    TrainingTarget.requireTrained(network, job().train().weights())));
  }

  /** The network that is trained, with LoRAs below, its weights as they are held. */
  Component held() {
    Component network = TrainingTarget.network(withLorasBelow(), resolved.denoiser());
    TrainingJob.Train train = job().train();
    return train.frozen().of(network, TrainingTarget.requireTrained(network, train.weights()));
  }

  /**
   * Finds what does not fit.
   *
   * @throws IllegalArgumentException if a LoRA below is for another model
   */
  void requireLorasBelow() {
    withLorasBelow();
  }

  private VideoModel withLorasBelow() {
    return job().lora().origin().merged(resolved.model(), resolved.denoiser());
  }

  /** The training of it, from its first values. */
  TrainingTarget training() {
    Component network = held();
    long seed = job().train().settings().seed();
    return injection()
        .map(
            own ->
                TrainingTarget.lora(
                    own,
                    network.weights(),
                    job().lora().origin().values(own, seed, network.weights())))
        .orElseGet(() -> TrainingTarget.weights(network, job().train().weights()));
  }
}
