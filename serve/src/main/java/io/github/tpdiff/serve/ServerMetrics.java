package io.github.tpdiff.serve;

import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.serving.ServiceLoad;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes;
import io.github.tpdiff.serve.job.Job;
import io.github.tpdiff.serve.job.JobState;
import io.github.tpdiff.serve.job.Jobs;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** What the server counts, for Prometheus. */
final class ServerMetrics implements Routes.Observer, AutoCloseable {
  private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collections = new JvmGcMetrics();

  ServerMetrics() {
    new JvmMemoryMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    collections.bindTo(registry);
  }

  /** Counts what waits, runs and is kept. */
  void watch(VideoService service, Jobs jobs) {
    load("tpdiff_queue_length", "Jobs that wait.", service, ServiceLoad::queued);
    load("tpdiff_running", "Jobs that are made.", service, ServiceLoad::running);
    load("tpdiff_warm_bytes", "Bytes of weights that are loaded.", service, ServiceLoad::warmBytes);
    for (JobState state : JobState.values()) {
      Gauge.builder("tpdiff_jobs", jobs, own -> own.counts().getOrDefault(state, 0))
          .description("Jobs in the database; those that run count as queued.")
          .tag("state", Words.of(state))
          .register(registry);
    }
  }

  private void load(
      String name, String description, VideoService service, ToDoubleFunction<ServiceLoad> value) {
    Gauge.builder(name, service, own -> value.applyAsDouble(own.load()))
        .description(description)
        .register(registry);
  }

  @Override
  public void onAnswered(String method, String route, int status, long nanos) {
    Timer.builder("http_server_requests")
        .description("Calls, from the first byte of the request to the last of the reply.")
        .tag("method", known(method))
        .tag("uri", route)
        .tag("status", Integer.toString(status))
        .register(registry)
        .record(Duration.ofNanos(Math.max(0, nanos)));
  }

  /** A stranger's methods are not counted one by one. */
  private static String known(String method) {
    return switch (method) {
      case "GET", "HEAD", "POST", "DELETE", "OPTIONS" -> method;
      default -> "other";
    };
  }

  /** Counts how long a job's parts take. */
  GenerationListener of(Job job) {
    return new Stopwatch(job.order().model());
  }

  private void took(String model, String part, double seconds) {
    Timer.builder("tpdiff_stage")
        .description("What a part of a job took: text, a stage of denoising, decoding.")
        .tag("model", model)
        .tag("part", part)
        .register(registry)
        .record((long) (seconds * 1e9), TimeUnit.NANOSECONDS);
  }

  /** Answers with everything that was counted. */
  void answer(Routes.Exchange call) {
    Replies.bytes(
        call.response(), call.callback(), new Replies.Body(200, TEXT, registry.scrape(TEXT)));
  }

  @Override
  public void close() {
    collections.close();
    registry.close();
  }

  /** Of one job; called by the device's thread alone. */
  private final class Stopwatch implements GenerationListener {
    private final String model;
    private int stages = 1;
    private Optional<Phase> phase = Optional.empty();
    private long since;
    private double stageSeconds;

    Stopwatch(String model) {
      this.model = model;
    }

    @Override
    public void onStages(Decided decided) {
      stages = decided.stages().stages();
    }

    @Override
    public void onPhase(Phase next) {
      phase
          .filter(before -> before == Phase.TEXT)
          .ifPresent(text -> took(model, Words.of(text), secondsSince()));
      phase = Optional.of(next);
      since = System.nanoTime();
    }

    @Override
    public void onStep(StepDone step) {
      stageSeconds += step.seconds();
      if (step.step() == step.stageSteps()) {
        took(model, "stage_" + (stages - step.stage().number() + 1), stageSeconds);
        stageSeconds = 0;
      }
    }

    @Override
    public void onFrame(int done, int frames) {
      if (done == frames) {
        took(model, Words.of(Phase.DECODING), secondsSince());
      }
    }

    private double secondsSince() {
      return (System.nanoTime() - since) * 1e-9;
    }
  }
}
