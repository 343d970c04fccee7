package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.DoraModule;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.RecordJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What is to be said before a training of files that it begins with or on top of. */
final class LoraNotes {
  private LoraNotes() {}

  static List<String> of(ResolvedJob job) {
    LoraOrigin origin = job.job().lora().origin();
    var notes = new ArrayList<String>();
    origin
        .first(job.expert())
        .ifPresent(
            lora -> {
              String name = "lora.from: " + origin.from().orElseThrow().getFileName();
              notes.add(
                  "%s: training begins with its %d layers, at step 0"
                      .formatted(name, lora.layers().size()));
              Optional.ofNullable(lora.metadata().get(RecordJson.STAGES_HEADER))
                  .map(json -> RecordJson.STAGES.parse(json, name).withStepSplit(List.of()))
                  .filter(
                      stages ->
                          !stages.equals(
                              StagePlan.fixed(job.diffusion().stages(), job.diffusion().schedule())
                                  .withStepSplit(List.of())))
                  .ifPresent(
                      stages -> notes.add(name + ": was trained for other stages than the job's"));
            });
    boolean isDora =
        job.target().injection().stream()
            .flatMap(injection -> injection.modules().stream())
            .anyMatch(DoraModule.class::isInstance);
    if (isDora && job.job().output().formats().size() > 1) {
      notes.add(
          "lora.kind: ComfyUI divides a DoRA's magnitudes by norms of the unchanged weights, so that"
              + " its videos differ; merge the DoRA for it (tpdiff lora merge)");
    }
    origin
        .ofOtherExperts(job.expert())
        .forEach(
            (path, expert) ->
                notes.add(
                    "lora.base: %s is for the denoiser %s: it changes nothing here"
                        .formatted(path.getFileName(), expert)));
    if (!origin.base().isEmpty()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "lora.base: %d LoRAs lie below, merged in fp32: %.2f GB of memory",
              origin.base().size(),
              bytesBelow(job) / 1e9));
    }
    return notes;
  }

  /** Memory that the weights with LoRAs merged into them take, which are in no file. */
  private static long bytesBelow(ResolvedJob job) {
    Component network = job.target().held();
    WeightSizes held = WeightSizes.held(network.weights());
    return job.job().lora().origin().changedBelow().stream()
        .filter(network.program().weights()::containsKey)
        .mapToLong(name -> held.bytes(name, network.weights().require(name).elementCount()))
        .sum();
  }
}
