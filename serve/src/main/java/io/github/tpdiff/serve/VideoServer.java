package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.Sets;
import com.google.common.net.InetAddresses;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.serving.ModelOpener;
import io.github.tpdiff.runtime.serving.ServiceLimits;
import io.github.tpdiff.runtime.serving.ServiceSetup;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.serve.http.BodyReader;
import io.github.tpdiff.serve.http.Guard;
import io.github.tpdiff.serve.http.HttpListener;
import io.github.tpdiff.serve.http.Refusal;
import io.github.tpdiff.serve.http.Refusal.Kind;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes;
import io.github.tpdiff.serve.http.Routes.Exchange;
import io.github.tpdiff.serve.job.Job;
import io.github.tpdiff.serve.job.JobDatabase;
import io.github.tpdiff.serve.job.Jobs;
import io.github.tpdiff.serve.job.ResultFolder;
import io.github.tpdiff.serve.page.Page;
import io.github.tpdiff.serve.page.Previews;
import io.github.tpdiff.serve.page.RunCurves;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;

/**
 * The service: models, jobs and HTTP, from when it is opened until it is closed.
 *
 * <p>{@link #open} takes up what an earlier process left in the results folder; {@link #close}
 * gives running jobs their grace, and leaves the rest to the next process.
 */
public final class VideoServer implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(VideoServer.class.getName());
  private static final Duration RETRY = Duration.ofSeconds(5);
  private static final long BODIES_AT_A_TIME = 8;

  /** Paths that need no key: whether the service is there, and the page, which asks for one. */
  private static final Set<String> OPEN = Sets.union(Set.of("/health", "/ready"), Page.paths());

  private final ServerSettings settings;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final Instant since = Instant.now();
  private final Jobs jobs;
  private final int resumed;
  private final HttpListener listener;
  private volatile boolean ready;

  private VideoServer(
      ServerSettings settings,
      Map<String, ModelOpener> models,
      PageSettings page,
      List<Function<Job, GenerationListener>> listeners)
      throws IOException {
    this.settings = settings;
    boolean isOpen = false;
    try {
      ResultFolder folder = closing(ResultFolder.open(settings.results()));
      JobDatabase database = closing(JobDatabase.open(folder.database()));
      ServerMetrics metrics = closing(new ServerMetrics());
      var previews = new Previews();
      VideoService service = VideoService.open(setup(models, database.queued().size()));
      jobs =
          closing(
              new Jobs(
                  service,
                  new Jobs.Store(database, folder, settings.times().keep()),
                  Stream.concat(
                          Stream.of(
                              metrics::of, job -> previews.watch(job.id(), job.order().model())),
                          listeners.stream())
                      .toList()));
      var catalogue =
          new Catalogue(service, settings.loras(), defaults(service), settings.limits());
      metrics.watch(service, jobs);
      resumed = jobs.resume();
      closing(expiring());
      var routes = new Routes(metrics);
      addStatus(routes, metrics);
      routes.add("GET", "/v1/models", call -> answerModels(call, service, page));
      new VideoEndpoints(jobs, new JobMaker(catalogue, folder), folder, bodies()).addTo(routes);
      previews.mount(routes);
      page.runs().ifPresent(runs -> new RunCurves(runs).mount(routes));
      Page.mount(
          routes, new Page.Setup(!settings.access().keys().isEmpty(), page.runs().isPresent()));
      listener =
          closing(
              HttpListener.open(
                  new HttpListener.Settings(
                      settings.place().host(),
                      settings.place().port(),
                      settings.limits().mostConnections(),
                      settings.access().origins()),
                  new Guard(access(), routes)));
      ready = true;
      isOpen = true;
    } finally {
      if (!isOpen) {
        closeAll();
      }
    }
  }

  /**
   * Opens models and jobs, and listens.
   *
   * @param models by name; closed with this, their engines stay the caller's
   * @throws IOException if it cannot listen there
   * @throws io.github.tpdiff.weights.CheckpointException if a model cannot be opened, or another
   *     server has the results folder
   * @throws IllegalArgumentException if the settings do not go together
   */
  public static VideoServer open(ServerSettings settings, Map<String, ModelOpener> models)
      throws IOException {
    return open(settings, models, PageSettings.plain());
  }

  /**
   * The same with a page that shows more.
   *
   * @throws IOException as above
   */
  public static VideoServer open(
      ServerSettings settings, Map<String, ModelOpener> models, PageSettings page)
      throws IOException {
    return new VideoServer(settings, models, page, List.of());
  }

  /**
   * The same, with others told of what is made.
   *
   * @param listeners made for each job that is made, told on the device's thread
   * @throws IOException as above
   */
  public static VideoServer open(
      ServerSettings settings,
      Map<String, ModelOpener> models,
      List<Function<Job, GenerationListener>> listeners)
      throws IOException {
    return new VideoServer(settings, models, PageSettings.plain(), listeners);
  }

  private <T extends AutoCloseable> T closing(T part) {
    opened.push(part);
    return part;
  }

  /** What was promised before must find a place, whatever the limit is now. */
  private ServiceSetup setup(Map<String, ModelOpener> models, int promised) {
    int queued = Math.max(settings.limits().mostQueued(), promised);
    ServiceLimits limits = ServiceLimits.ofThisMachine().withQueued(queued);
    return ServiceSetup.of(models)
        .withLoras(settings.loras())
        .withLimits(settings.warmBytes().map(limits::withWarmBytes).orElse(limits));
  }

  private Map<String, ObjectNode> defaults(VideoService service) {
    var trees = new LinkedHashMap<String, ObjectNode>();
    ObjectNode all = FieldTree.tree(settings.defaults().all());
    for (String model : service.models()) {
      VideoFields own = settings.defaults().byModel().getOrDefault(model, VideoFields.open());
      trees.put(model, FieldTree.over(FieldTree.tree(own), all));
    }
    return trees;
  }

  private BodyReader bodies() {
    Limits limits = settings.limits();
    return new BodyReader(
        new BodyReader.Bounds(
            limits.mostBodyBytes(),
            BODIES_AT_A_TIME * limits.mostBodyBytes(),
            Duration.ofSeconds(limits.mostBodySeconds())));
  }

  private Guard.Access access() {
    ServerSettings.Access own = settings.access();
    var names = new HashSet<>(own.hostNames());
    if (!InetAddresses.isInetAddress(settings.place().host())) {
      names.add(settings.place().host());
    }
    return new Guard.Access(names, own.origins(), own.keys(), OPEN);
  }

  private void addStatus(Routes routes, ServerMetrics metrics) {
    routes
        .add("GET", "/health", call -> say(call, "ok"))
        .add("GET", "/ready", this::answerReady)
        .add("GET", "/metrics", metrics::answer);
  }

  private void answerModels(Exchange call, VideoService service, PageSettings page) {
    Replies.json(call.response(), call.callback(), 200, VideoObjects.models(service, since, page));
  }

  private void answerReady(Exchange call) {
    if (!ready) {
      throw Refusal.later(Kind.UNAVAILABLE, "the service stops", RETRY);
    }
    say(call, "ready");
  }

  private static void say(Exchange call, String status) {
    Replies.json(
        call.response(),
        call.callback(),
        200,
        JsonNodeFactory.instance.objectNode().put("status", status));
  }

  private AutoCloseable expiring() {
    ScheduledExecutorService clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "tpdiff-expiry");
              thread.setDaemon(true);
              return thread;
            });
    var every =
        clock.scheduleWithFixedDelay(
            () -> {
              try {
                jobs.expire();
              } catch (RuntimeException failure) {
                LOG.log(Level.WARNING, "jobs were not expired", failure);
              }
            },
            0,
            30,
            TimeUnit.SECONDS);
    return () -> {
      every.cancel(false);
      clock.shutdown();
    };
  }

  /** Where it listens, such as {@code http://127.0.0.1:8420}. */
  public URI address() {
    return listener.address();
  }

  /** How many jobs of an earlier process are made again. */
  public int resumed() {
    return resumed;
  }

  /**
   * A line for the operator where anybody may ask from other machines.
   *
   * @return empty if nobody may, or who may has a key
   */
  public Optional<String> warning() {
    return settings.access().keys().isEmpty() && !listener.isLoopback()
        ? Optional.of(
            "warning: %s is reached from other machines, and whoever reaches it may ask: give it --keys"
                .formatted(settings.place().host()))
        : Optional.empty();
  }

  @Override
  public void close() throws IOException {
    ready = false;
    jobs.stop(settings.times().grace());
    closeAll();
  }

  private void closeAll() throws IOException {
    IOException failed = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception failure) {
        if (failed == null) {
          failed = new IOException("the server did not close", failure);
        } else {
          failed.addSuppressed(failure);
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }
}
