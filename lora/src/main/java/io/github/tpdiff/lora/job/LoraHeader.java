package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.CheckpointFingerprint;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the files of a job's training say of where they came from, and what programs that list LoRAs
 * show: Stability's model specification 1.0.0 ({@code modelspec.*}) and kohya's names ({@code
 * ss_*}). Without a date, and without the folder's name: a resumed run makes the same bytes as one
 * that was never stopped, elsewhere.
 *
 * @param job whose training it is
 */
record LoraHeader(ResolvedJob job) {
  /** Of any file. */
  Map<String, String> origin() {
    var entries = new LinkedHashMap<String, String>();
    entries.put(LoraWriter.BASE_MODEL, base());
    entries.put(
        "tpdiff.base_checkpoint",
        CheckpointFingerprint.of(TrainingTarget.network(job.model(), job.denoiser()).weights()));
    job.expert().ifPresent(name -> entries.put(ReadLoras.EXPERT, name));
    entries.put(
        RecordJson.STAGES_HEADER,
        RecordJson.STAGES.format(
            StagePlan.fixed(job.diffusion().stages(), job.diffusion().schedule())));
    entries.putAll(job.job().lora().origin().header());
    entries.put("tpdiff.seed", Long.toString(job.job().train().settings().seed()));
    entries.put(
        "tpdiff.version",
        Optional.ofNullable(ResolvedJob.class.getPackage().getImplementationVersion())
            .orElse("development"));
    return entries;
  }

  private String base() {
    return String.valueOf(job.job().model().request().path().getFileName());
  }

  /** Of a LoRA; {@link LoraWriter} adds what follows from its tensors. */
  Map<String, String> ofLora() {
    var entries = new LinkedHashMap<>(origin());
    entries.put(LoraWriter.NAME, job.title().orElseGet(this::untitled));
    entries.put("ss_sd_model_name", base());
    VideoSize size = job.sizes().get(0);
    entries.put("ss_resolution", "(%d, %d)".formatted(size.width(), size.height()));
    entries.put("modelspec.resolution", "%dx%d".formatted(size.width(), size.height()));
    String triggers = job.job().data().triggers();
    if (!triggers.isEmpty()) {
      entries.put("modelspec.trigger_phrase", triggers);
    }
    Map<String, Object> settings = JobSettings.of(job.filled()).values();
    copy(settings, "train.seed", entries, "ss_seed");
    copy(settings, "train.learning_rate", entries, "ss_learning_rate");
    copy(settings, "lora.dropout", entries, "ss_network_dropout");
    copy(settings, "output.author", entries, "modelspec.author");
    copy(settings, "output.license", entries, "modelspec.license");
    copy(settings, "output.description", entries, "modelspec.description");
    copy(settings, "output.description", entries, "ss_training_comment");
    if (job.expert().isPresent()) {
      entries.put("modelspec.timestep_range", timesteps(job.diffusion().times()));
    }
    return entries;
  }

  private String untitled() {
    return base() + " LoRA" + job.expert().map(name -> " " + name).orElse("");
  }

  private static void copy(
      Map<String, Object> settings, String key, Map<String, String> entries, String name) {
    Optional.ofNullable(settings.get(key)).ifPresent(value -> entries.put(name, value.toString()));
  }

  /** Of a thousand, as the specification has them: the smaller first. */
  private static String timesteps(TimeRange times) {
    long one = Math.round(1000 * times.start());
    long other = Math.round(1000 * times.end());
    return Math.min(one, other) + "," + Math.max(one, other);
  }
}
