package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.NamedLora;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.serve.job.Job;
import io.github.tpdiff.serve.job.JobView;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.util.List;

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
    if (view.status() == JobView.Status.QUEUED) {
      video.put("queue_position", view.ahead() + 1);
    }
    view.activity().ifPresent(activity -> activity(video, activity));
    return video;
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
  static ObjectNode models(VideoService service, Instant since) {
    ObjectNode list = JSON.objectNode().put("object", "list");
    ArrayNode data = list.putArray("data");
    for (String name : service.models()) {
      var own = service.description(name).defaults();
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
    }
    ArrayNode loras = list.putArray("loras");
    service.loras().forEach(name -> loras.addObject().put("id", name).put("object", "lora"));
    return list;
  }
}
