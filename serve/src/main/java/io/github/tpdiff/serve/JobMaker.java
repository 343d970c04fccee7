package io.github.tpdiff.serve;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.runtime.media.PictureReader;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.PlannedVideo;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import io.github.tpdiff.serve.job.Job;
import io.github.tpdiff.serve.job.JobId;
import io.github.tpdiff.serve.job.ResultFolder;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes a job of what a client asks, or refuses it. */
final class JobMaker {
  /** A request's field at the beginning of an error. */
  private static final Pattern FIELD = Pattern.compile("([a-z_]+)[.:]");

  /** What the fields are called there, and by clients. */
  private static final Map<String, String> CLIENTS_WORDS =
      Map.of(
          "picture", Pictures.FIRST,
          "last_picture", Pictures.LAST,
          "loras", "lora",
          "frames", "num_frames",
          "steps", "num_inference_steps",
          "guidance", "guidance_scale");

  private final Catalogue catalogue;
  private final ResultFolder folder;
  private final SecureRandom random = new SecureRandom();

  /** A picture's pixels take much more than its file: of one request at a time. */
  private final Semaphore pictures = new Semaphore(1);

  JobMaker(Catalogue catalogue, ResultFolder folder) {
    this.catalogue = catalogue;
    this.folder = folder;
  }

  /**
   * What a client asks.
   *
   * @param fields of its request
   * @param pictures by their fields' names
   */
  record Asked(ObjectNode fields, Map<String, byte[]> pictures) {}

  /** Takes a job; what it throws is refused. */
  @FunctionalInterface
  interface Taking<T> {
    T take(Job job);
  }

  /**
   * Makes a job and has it taken; what was kept of one that is not goes.
   *
   * @throws Refusal if it is not what this service does
   */
  <T> T make(Asked asked, Taking<T> taking) {
    VideoFields client = FieldTree.fields(asked.fields);
    String model = model(client);
    VideoFields fields =
        FieldTree.fields(
            FieldTree.over(asked.fields, requireNonNull(catalogue.defaults().get(model))));
    RequestedFields.requireWithin(fields, catalogue.limits());
    String id = JobId.draw(random);
    boolean taken = false;
    boolean hasPictures = !asked.pictures.isEmpty();
    if (hasPictures) {
      pictures.acquireUninterruptibly();
    }
    try {
      GenerationRequest request = withPictures(id, RequestedFields.request(fields), asked.pictures);
      if (request.seed().isEmpty()) {
        request = request.withSeed(random.nextInt(Integer.MAX_VALUE));
      }
      VideoOrder order = withLength(new VideoOrder(model, request, fields.lora()), fields);
      T made = taking.take(Job.queued(id, order, shape(order), Instant.now()));
      taken = true;
      return made;
    } catch (IllegalArgumentException | CheckpointException wrong) {
      throw refusal(wrong);
    } finally {
      if (hasPictures) {
        pictures.release();
      }
      if (!taken) {
        folder.delete(id);
      }
    }
  }

  private String model(VideoFields client) {
    String name = client.model().orElseGet(catalogue::firstModel);
    if (!catalogue.service().models().contains(name)) {
      throw Refusal.of(
          Kind.UNKNOWN_MODEL,
          "model",
          "model: expected one of %s, found '%s'%s"
              .formatted(
                  catalogue.service().models(),
                  RequestedFields.shown(name),
                  name.length() > 100
                      ? ""
                      : NearestName.of(name, catalogue.service().models())
                          .map(near -> "; the nearest is '" + near + "'")
                          .orElse("")));
    }
    return name;
  }

  private GenerationRequest withPictures(
      String id, GenerationRequest request, Map<String, byte[]> sent) {
    var files = new LinkedHashMap<String, Path>();
    sent.forEach(
        (name, bytes) -> {
          Path file = folder.keep(id, name, bytes);
          requireSize(name, file);
          files.put(name, file);
        });
    GenerationRequest asked = request;
    if (files.containsKey(Pictures.FIRST)) {
      asked = asked.withPicture(requireNonNull(files.get(Pictures.FIRST)));
    }
    if (files.containsKey(Pictures.LAST)) {
      asked = asked.withLastPicture(requireNonNull(files.get(Pictures.LAST)));
    }
    return asked;
  }

  private void requireSize(String name, Path file) {
    try {
      PictureSize size = PictureReader.size(file);
      long pixels = (long) size.width() * size.height();
      if (pixels > catalogue.limits().mostPicturePixels()) {
        throw Refusal.of(
            Kind.INVALID,
            name,
            "%s: expected a picture of at most %d pixels, found %d x %d; make it smaller"
                .formatted(
                    name, catalogue.limits().mostPicturePixels(), size.width(), size.height()));
      }
    } catch (IOException wrong) {
      String words = folder.withoutPaths(String.valueOf(wrong.getMessage()));
      throw Refusal.of(Kind.INVALID, name, words);
    }
  }

  /** The same with as many frames as the seconds come to, where they are asked. */
  private VideoOrder withLength(VideoOrder order, VideoFields fields) {
    if (fields.seconds().isEmpty()) {
      return order;
    }
    double seconds = FieldTree.seconds(fields.seconds().get());
    ModelDescription model = catalogue.service().description(order.model());
    VideoChoice video = order.request().video();
    double fps = video.fps().orElse(model.defaults().fps());
    int most = (int) Math.min(catalogue.limits().mostFrames(), Math.floor(seconds * fps) + 1);
    int frames = model.latents().framesFor(catalogue.service().stages(order), most);
    var choice = new VideoChoice(video.width(), video.height(), Optional.of(frames), video.fps());
    return new VideoOrder(order.model(), order.request().withVideo(choice), order.loras());
  }

  /** What it comes to, within the limits. */
  private Job.Shape shape(VideoOrder order) {
    PlannedVideo planned = catalogue.service().check(order);
    VideoSize size = planned.request().size();
    int steps = planned.sampler().totalSteps();
    RequestedFields.requireWithin(size, steps, catalogue.limits());
    return new Job.Shape(size, steps);
  }

  private Refusal refusal(RuntimeException wrong) {
    String words = catalogue.withoutPaths(folder.withoutPaths(String.valueOf(wrong.getMessage())));
    Matcher field = FIELD.matcher(words);
    if (!field.lookingAt()) {
      return Refusal.of(Kind.INVALID, words);
    }
    String name = CLIENTS_WORDS.getOrDefault(field.group(1), field.group(1));
    return Refusal.of(Kind.INVALID, name, name + words.substring(field.end(1)));
  }
}
