package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.NamedLora;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.serve.job.Job;
import io.github.tpdiff.serve.job.JobView;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What clients read, as JSON. */
final class VideoObjects {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private VideoObjects() {}

  /** A job, as OpenAI's clients read it, with what is known of it besides. */
  static ObjectNode video(JobView view) {
    Job job = view.job();
    GenerationRequest request = job.order().request();
    VideoSize size = job.shape().size();
    ObjectNode video = JSON.objectNode();
    video.put("id", job.id());
    video.put("object", "video");
    video.put("model", job.order().model());
    video.put("status", Words.of(view.status()));
    video.put("progress", view.progress());
    video.put("created_at", job.times().created().getEpochSecond());
    video.put("completed_at", job.times().ended().map(Instant::getEpochSecond).orElse(null));
    video.put("expires_at", job.times().expires().map(Instant::getEpochSecond).orElse(null));
    video.put("prompt", request.prompt());
    video.put("size", size.width() + "x" + size.height());
    video.put("seconds", seconds(size));
    video.set(
        "error",
        job.error()
            .map(
                error ->
                    JSON.objectNode().put("code", error.code()).put("message", error.message()))
            .orElse(null));
    video.putNull("remixed_from_video_id");
    video.put("num_frames", size.frames());
    video.put("fps", size.fps());
    video.put("num_inference_steps", job.shape().steps());
    video.put("seed", request.seed().orElse(null));
    video.put("negative_prompt", request.negativePrompt().orElse(null));
    video.set("lora", loras(job.order().loras()));
    sampling(video, request.sampling());
    if (view.status() == JobView.Status.QUEUED) {
      video.put("queue_position", view.ahead() + 1);
    }
    view.activity().ifPresent(activity -> activity(video, activity));
    return video;
  }

  /** What was asked, under the names that it is asked by; nothing of what was left open. */
  private static void sampling(ObjectNode video, SamplingChoice asked) {
    List<Double> guidance = asked.guidance();
    video.put("guidance_scale", guidance.isEmpty() ? null : guidance.get(0));
    video.put("guidance_scale_2", guidance.size() < 2 ? null : guidance.get(1));
    video.put("stage_guidance", joined(",", asked.stageGuidance().stream().map(String::valueOf)));
    video.put("guidance_interval", text(asked.guidanceInterval()));
    video.put("sigmas", text(asked.sigmas()));
    video.put("timesteps", text(asked.timesteps()));
    video.put("sampler", asked.sampler().orElse(null));
    video.put("scheduler", asked.scheduler().orElse(null));
    StageChoice stages = asked.stages();
    video.put("stages", stages.count().isPresent() ? stages.count().getAsInt() : null);
    video.put("rates", joined(",", stages.rates().stream().map(GridFactor::crossed)));
    video.put("split", joined("-", stages.stepSplit().stream().map(String::valueOf)));
  }

  private static @Nullable String text(Optional<NoiseLevels> levels) {
    return levels.map(NoiseLevels::toString).orElse(null);
  }

  private static @Nullable String joined(String between, Stream<String> values) {
    String all = values.collect(Collectors.joining(between));
    return all.isEmpty() ? null : all;
  }

  private static void activity(ObjectNode video, JobView.Activity activity) {
    video.put("phase", Words.of(activity.phase()));
    activity
        .stage()
        .ifPresent(
            stage ->
                video
                    .putObject("stage")
                    .put("number", stage.stage())
                    .put("count", stage.stages())
                    .put("step", stage.step())
                    .put("steps", stage.steps()));
  }

  private static ArrayNode loras(List<NamedLora> loras) {
    ArrayNode list = JSON.arrayNode();
    for (NamedLora lora : loras) {
      list.addObject().put("name", lora.name()).put("strength", lora.strength().orElse(null));
    }
    return list;
  }

  /** How long a video is, without zeros at the end. */
  private static String seconds(VideoSize size) {
    BigDecimal seconds =
        BigDecimal.valueOf(size.frames())
            .divide(BigDecimal.valueOf(size.fps()), 3, RoundingMode.HALF_EVEN)
            .stripTrailingZeros();
    return seconds.toPlainString();
  }

  /** A page of jobs. */
  static ObjectNode list(List<JobView> page, int limit) {
    List<JobView> shown = page.subList(0, Math.min(limit, page.size()));
    ObjectNode list = JSON.objectNode().put("object", "list");
    ArrayNode data = list.putArray("data");
    shown.forEach(view -> data.add(video(view)));
    list.put("first_id", shown.isEmpty() ? null : shown.get(0).job().id());
    list.put("last_id", shown.isEmpty() ? null : shown.get(shown.size() - 1).job().id());
    return list.put("has_more", page.size() > limit);
  }

  /** What is said of a job that is forgotten. */
  static ObjectNode deleted(String id) {
    return JSON.objectNode().put("id", id).put("object", "video.deleted").put("deleted", true);
  }

  /** The models, and the LoRAs that may be put on them. */
  static ObjectNode models(VideoService service, Instant since, PageSettings page) {
    ObjectNode list = JSON.objectNode().put("object", "list");
    ArrayNode data = list.putArray("data");
    for (String name : service.models()) {
      ModelDescription description = service.description(name);
      var own = description.defaults();
      ObjectNode model =
          data.addObject()
              .put("id", name)
              .put("object", "model")
              .put("created", since.getEpochSecond())
              .put("owned_by", "tpdiff");
      model
          .putObject("defaults")
          .put("size", own.width() + "x" + own.height())
          .put("num_frames", own.frames())
          .put("fps", own.fps())
          .put("num_inference_steps", own.steps())
          .put("guidance_scale", own.guidanceScale());
      model
          .put("stages", service.stages(VideoOrder.of(name, GenerationRequest.of(""))).stages())
          .put("denoisers", description.flow().denoisers().size())
          .put("takes_picture", !description.flow().conditions(true).isEmpty())
          .put("command", page.command(name));
      description.schedulers().keySet().stream()
          .sorted()
          .forEach(model.putArray("schedulers")::add);
      Samplers.names().forEach(model.putArray("samplers")::add);
    }
    ArrayNode loras = list.putArray("loras");
    service.loras().forEach(name -> loras.addObject().put("id", name).put("object", "lora"));
    return list;
  }
}
