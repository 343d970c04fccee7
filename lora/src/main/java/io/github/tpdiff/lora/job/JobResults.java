package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.CheckpointFingerprint;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.train.SnapshotWriter;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWriter;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Writes what a job's training gives, with where it came from in the files' headers.
 *
 * @param job whose training it is
 */
record JobResults(ResolvedJob job) {
  /** Writes a LoRA in every form that the job asks for. */
  SnapshotWriter loraWriter(LoraInjection injection) {
    Map<String, String> metadata = metadata();
    return (folder, snapshot) -> {
      var own = new LinkedHashMap<>(metadata);
      own.put("tpdiff.step", Integer.toString(snapshot.step()));
      for (LoraFormat format : job.job().output().formats()) {
        if (format == LoraFormat.KOHYA) {
          own.put(LoraWriter.NAME, String.valueOf(job.job().output().folder().getFileName()));
        }
        LoraWriter.write(
            folder.resolve(job.loraFile(format)),
            injection.toWeights(job.model().description().denoiser(), snapshot.parameters(), own),
            format,
            job.job().output().dtype());
      }
    };
  }

  private Map<String, String> metadata() {
    var metadata = new LinkedHashMap<String, String>();
    metadata.put(
        LoraWriter.BASE_MODEL, String.valueOf(job.job().model().request().path().getFileName()));
    metadata.put(
        "tpdiff.base_checkpoint",
        CheckpointFingerprint.of(TrainingTarget.network(job.model(), job.denoiser()).weights()));
    job.expert().ifPresent(name -> metadata.put(LoraModels.EXPERT, name));
    metadata.put(
        RecordJson.STAGES_HEADER,
        RecordJson.STAGES.format(
            StagePlan.fixed(job.diffusion().stages(), job.diffusion().schedule())));
    metadata.putAll(job.job().lora().origin().header());
    metadata.put("tpdiff.seed", Long.toString(job.job().train().settings().seed()));
    metadata.put(
        "tpdiff.version",
        Optional.ofNullable(ResolvedJob.class.getPackage().getImplementationVersion())
            .orElse("development"));
    return metadata;
  }

  /** Writes tensors that were trained in full. */
  SnapshotWriter weightsWriter() {
    Map<String, String> metadata = metadata();
    return (folder, snapshot) ->
        SafetensorsWriter.write(
            folder.resolve(job.weightsFile()), Parameter.source(snapshot.parameters(), metadata));
  }
}
