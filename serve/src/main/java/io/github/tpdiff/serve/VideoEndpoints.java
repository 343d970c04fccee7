package io.github.tpdiff.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.hash.Hashing;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.serving.QueueFullException;
import io.github.tpdiff.serve.http.BodyReader;
import io.github.tpdiff.serve.http.FileReplies;
import io.github.tpdiff.serve.http.Parts;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes;
import io.github.tpdiff.serve.http.Routes.Exchange;
import io.github.tpdiff.serve.job.Idempotency;
import io.github.tpdiff.serve.job.Job;
import io.github.tpdiff.serve.job.JobDatabase;
import io.github.tpdiff.serve.job.JobView;
import io.github.tpdiff.serve.job.JobView.Status;
import io.github.tpdiff.serve.job.Jobs;
import io.github.tpdiff.serve.job.ResultFolder;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.MimeTypes;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.Fields;

/** The calls of {@code /v1/videos}. */
final class VideoEndpoints {
  private static final int PAGE = 20;
  private static final int LARGEST_PAGE = 100;
  private static final int MOST_KEY_CHARACTERS = 255;
  private static final Duration SOON = Duration.ofSeconds(5);

  private final Jobs jobs;
  private final JobMaker maker;
  private final ResultFolder folder;
  private final BodyReader bodies;
  private final FileReplies files = new FileReplies();

  VideoEndpoints(Jobs jobs, JobMaker maker, ResultFolder folder, BodyReader bodies) {
    this.jobs = jobs;
    this.maker = maker;
    this.folder = folder;
    this.bodies = bodies;
  }

  void addTo(Routes routes) {
    routes
        .add("POST", "/v1/videos", call -> create(call, VideoEndpoints::answer))
        .add("POST", "/v1/videos/sync", call -> create(call, this::answerWithVideo))
        .add("GET", "/v1/videos", this::list)
        .add("GET", "/v1/videos/{id}", call -> answer(call, require(call)))
        .add("DELETE", "/v1/videos/{id}", this::delete)
        .add("POST", "/v1/videos/{id}/cancel", this::cancel)
        .add("GET", "/v1/videos/{id}/content", this::content)
        .add(
            "GET",
            "/v1/videos/{id}/events",
            call -> EventStream.open(call, jobs, require(call).job().id()));
  }

  private static void answer(Exchange call, JobView view) {
    Replies.json(call.response(), call.callback(), 200, VideoObjects.video(view));
  }

  private JobView require(Exchange call) {
    String id = call.parameters().getOrDefault("id", "");
    return jobs.find(id).orElseThrow(() -> unknown(id));
  }

  private static Refusal unknown(String id) {
    return Refusal.of(
        Kind.NOT_FOUND, "id", "there is no video '%s'".formatted(RequestedFields.shown(id)));
  }

  private void create(Exchange call, BiConsumer<Exchange, JobView> answer) {
    String type =
        Optional.ofNullable(call.request().getHeaders().get(HttpHeader.CONTENT_TYPE)).orElse("");
    String base = Optional.ofNullable(MimeTypes.getBase(type)).orElse("").toLowerCase(Locale.ROOT);
    if (!base.equals("application/json") && !base.equals("multipart/form-data")) {
      throw Refusal.of(
          Kind.WRONG_TYPE,
          "Content-Type: expected application/json or multipart/form-data, found '%s'"
              .formatted(RequestedFields.shown(base)));
    }
    Optional<String> key = Optional.ofNullable(call.request().getHeaders().get("Idempotency-Key"));
    if (key.filter(k -> k.isBlank() || k.length() > MOST_KEY_CHARACTERS).isPresent()) {
      throw Refusal.of(
          Kind.INVALID,
          "Idempotency-Key: expected 1 to %d characters".formatted(MOST_KEY_CHARACTERS));
    }
    bodies.read(
        call,
        body -> {
          Optional<Idempotency> request =
              key.map(k -> new Idempotency(hash(k.getBytes(UTF_8)), hash(body)));
          JobMaker.Asked asked = asked(body, type, base);
          answer.accept(call, promised(asked, request));
        });
  }

  private static String hash(byte[] bytes) {
    return Hashing.sha256().hashBytes(bytes).toString();
  }

  private static JobMaker.Asked asked(byte[] body, String type, String base) {
    if (base.equals("application/json")) {
      ObjectNode fields = FieldTree.json(body);
      Map<String, byte[]> pictures = Pictures.take(fields);
      return new JobMaker.Asked(fields, pictures);
    }
    Parts parts = Parts.read(body, type);
    parts
        .files()
        .keySet()
        .forEach(
            name -> {
              if (!Pictures.NAMES.contains(name)) {
                throw Refusal.of(
                    Kind.INVALID, RequestedFields.shown(name), "expected a text, found a file");
              }
            });
    ObjectNode fields = FieldTree.form(parts.texts());
    Map<String, byte[]> pictures = Pictures.take(fields);
    pictures.putAll(parts.files());
    return new JobMaker.Asked(fields, pictures);
  }

  /** A job for a request, or that of the same request before. */
  private JobView promised(JobMaker.Asked asked, Optional<Idempotency> request) {
    Optional<JobView> before = request.flatMap(this::before);
    if (before.isPresent()) {
      return before.get();
    }
    try {
      return maker
          .make(asked, job -> jobs.add(job, request))
          // Its twin was there a moment earlier.
          .or(() -> request.flatMap(this::before))
          .orElseThrow(() -> Refusal.of(Kind.CONFLICT, "Idempotency-Key: its video was deleted"));
    } catch (QueueFullException full) {
      throw Refusal.later(Kind.QUEUE_FULL, String.valueOf(full.getMessage()), full.retryAfter());
    } catch (Jobs.StoppedException stopped) {
      throw Refusal.later(Kind.UNAVAILABLE, "the service stops", SOON);
    }
  }

  private Optional<JobView> before(Idempotency request) {
    return jobs.repeated(request)
        .map(
            found -> {
              if (!found.same()) {
                throw Refusal.of(
                    Kind.CONFLICT,
                    "Idempotency-Key: expected the request that it came with before");
              }
              return found.job();
            });
  }

  /** Answers with the video once it is there. */
  private void answerWithVideo(Exchange call, JobView view) {
    call.request().addIdleTimeoutListener(timeout -> false);
    String id = view.job().id();
    var unused =
        jobs.over(id)
            .thenRunAsync(
                () -> {
                  try {
                    call.response().getHeaders().put("X-Video-Id", id);
                    JobView ended = jobs.find(id).orElseThrow(() -> unknown(id));
                    if (!ended.status().isEnd()) {
                      throw Refusal.later(
                          Kind.UNAVAILABLE, "the service stops; the next one makes " + id, SOON);
                    }
                    ended.job().error().ifPresent(VideoEndpoints::refuse);
                    sendFile(call, ended, ResultFolder.Variant.VIDEO);
                  } catch (RuntimeException failure) {
                    call.fail(failure);
                  }
                },
                call.request().getComponents().getExecutor());
  }

  private static void refuse(Job.Failure error) {
    throw Refusal.of(
        error.code().equals(Kind.INVALID.code()) ? Kind.INVALID : Kind.INTERNAL, error.message());
  }

  private void list(Exchange call) {
    Fields query = Request.extractQueryParameters(call.request());
    int limit = limit(Optional.ofNullable(query.getValue("limit")));
    String order = Optional.ofNullable(query.getValue("order")).orElse("desc");
    if (!order.equals("asc") && !order.equals("desc")) {
      throw Refusal.of(Kind.INVALID, "order", "order: expected asc or desc");
    }
    Optional<String> after =
        Optional.ofNullable(query.getValue("after")).filter(id -> !id.isEmpty());
    if (after.isPresent() && jobs.find(after.get()).isEmpty()) {
      throw unknown(after.get());
    }
    // One more says whether there are more.
    var page = new JobDatabase.Page(after, limit + 1, order.equals("desc"));
    List<JobView> found = jobs.list(page);
    Replies.json(call.response(), call.callback(), 200, VideoObjects.list(found, limit));
  }

  private static int limit(Optional<String> text) {
    try {
      int limit = text.map(Integer::parseInt).orElse(PAGE);
      if (limit >= 1 && limit <= LARGEST_PAGE) {
        return limit;
      }
    } catch (NumberFormatException notANumber) {
      // said below
    }
    throw Refusal.of(
        Kind.INVALID,
        "limit",
        "limit: expected 1 to %d, found '%s'"
            .formatted(LARGEST_PAGE, RequestedFields.shown(text.orElse(""))));
  }

  private void delete(Exchange call) {
    String id = call.parameters().getOrDefault("id", "");
    if (!jobs.delete(id)) {
      throw unknown(id);
    }
    Replies.json(call.response(), call.callback(), 200, VideoObjects.deleted(id));
  }

  private void cancel(Exchange call) {
    JobView found = require(call);
    if (found.status().isEnd() && found.status() != Status.CANCELLED) {
      throw Refusal.of(
          Kind.CONFLICT,
          "id",
          "expected a video that is queued or in progress, found it " + Words.of(found.status()));
    }
    answer(call, jobs.cancel(found.job().id()).orElseThrow(() -> unknown(found.job().id())));
  }

  private void content(Exchange call) {
    JobView view = require(call);
    String variant =
        Optional.ofNullable(Request.extractQueryParameters(call.request()).getValue("variant"))
            .orElse("video");
    var words = new Words<>(ResultFolder.Variant.class);
    sendFile(
        call,
        view,
        words
            .find(variant)
            .orElseThrow(
                () ->
                    Refusal.of(
                        Kind.INVALID,
                        "variant",
                        "variant: expected "
                            + words.all().stream().collect(Collectors.joining(", ")))));
  }

  private void sendFile(Exchange call, JobView view, ResultFolder.Variant variant) {
    Status status = view.status();
    if (status != Status.COMPLETED) {
      throw Refusal.of(
          Kind.CONFLICT,
          "id",
          "expected a completed video, found it %s%s"
              .formatted(
                  Words.of(status),
                  view.job().error().map(error -> ": " + error.message()).orElse("")));
    }
    String id = view.job().id();
    files.answer(call, folder.file(id, variant), variant.mediaType(), id + "-" + variant.file());
  }
}
