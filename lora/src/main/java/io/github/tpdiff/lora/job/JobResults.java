package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.train.SnapshotWriter;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes what a job's training gives, with where it came from in the files' headers.
 *
 * @param job whose training it is
 */
record JobResults(ResolvedJob job) {
  /** Writes a LoRA in every form that the job asks for. */
  SnapshotWriter loraWriter(LoraInjection injection) {
    Map<String, String> header = new LoraHeader(job).ofLora();
    return (folder, snapshot) -> {
      var own = new LinkedHashMap<>(header);
      own.put("tpdiff.step", Integer.toString(snapshot.step()));
      own.put("ss_steps", Integer.toString(snapshot.step()));
      LoraWeights weights =
          injection.toWeights(job.model().description().denoiser(), snapshot.parameters(), own);
      for (LoraFormat format : job.job().output().formats()) {
        LoraWriter.write(
            folder.resolve(job.loraFile(format)), weights, format, job.job().output().dtype());
      }
    };
  }

  /** Writes tensors that were trained in full. */
  SnapshotWriter weightsWriter() {
    Map<String, String> metadata = new LoraHeader(job).origin();
    return (folder, snapshot) ->
        SafetensorsWriter.write(
            folder.resolve(job.weightsFile()), Parameter.source(snapshot.parameters(), metadata));
  }
}
