package io.github.tpdiff.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.serve.http.Replies;
import io.github.tpdiff.serve.http.Routes.Exchange;
import io.github.tpdiff.serve.job.JobView;
import io.github.tpdiff.serve.job.Jobs;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Tells one client of one job by server-sent events, {@code progress} as often as the client reads
 * them and once at the end {@code completed}, {@code failed}, {@code cancelled} or {@code deleted}.
 *
 * <p>No thread waits: what changes while an event is on its way to the client is told in the next,
 * so that a slow client slows nobody and holds one event.
 */
final class EventStream {
  private static final int BEAT_SECONDS = 10;
  private static final ByteBuffer BEAT = UTF_8.encode(": still here\n\n");

  private final Exchange call;
  private final Jobs jobs;
  private final String id;
  private final Scheduler scheduler;
  private Optional<Jobs.Watch> watch = Optional.empty();
  private Optional<String> told = Optional.empty();
  private boolean writing;
  private boolean changed;
  private boolean ended;

  private EventStream(Exchange call, Jobs jobs, String id) {
    this.call = call;
    this.jobs = jobs;
    this.id = id;
    this.scheduler = call.request().getComponents().getScheduler();
  }

  /** Begins to tell. */
  static void open(Exchange call, Jobs jobs, String id) {
    var stream = new EventStream(call, jobs, id);
    var headers = call.response().getHeaders();
    headers.put(HttpHeader.CONTENT_TYPE, "text/event-stream");
    headers.put(HttpHeader.CACHE_CONTROL, "no-cache");
    headers.put("X-Accel-Buffering", "no"); // nginx would hold events back
    // A job may take longer than a connection may be silent otherwise.
    call.request().addIdleTimeoutListener(timeout -> false);
    Jobs.Watch own = jobs.watch(id, stream::change);
    synchronized (stream) {
      stream.watch = Optional.of(own);
      if (stream.ended) {
        own.close();
      }
    }
    stream.beat();
  }

  /** A beat now and then finds out that a client has gone, and keeps proxies from thinking so. */
  private void beat() {
    scheduler.schedule(
        () -> {
          synchronized (this) {
            if (ended) {
              return;
            }
            if (!writing) {
              writing = true;
              call.response().write(false, BEAT.slice(), Callback.from(this::written, this::gone));
            }
          }
          beat();
        },
        BEAT_SECONDS,
        TimeUnit.SECONDS);
  }

  private void change() {
    synchronized (this) {
      changed = true;
      if (writing || ended) {
        return;
      }
      writing = true;
    }
    call.request()
        .getComponents()
        .getExecutor()
        .execute(
            () -> {
              try {
                next();
              } catch (RuntimeException failure) {
                gone(failure);
              }
            });
  }

  /** Tells what has changed; only one thread is here at a time. */
  private void next() {
    while (true) {
      synchronized (this) {
        if (!changed) {
          writing = false;
          return;
        }
        changed = false;
      }
      Optional<JobView> view = jobs.find(id);
      String event = event(view);
      boolean isEnd = view.map(job -> job.status().isEnd()).orElse(true);
      if (isEnd || !told.equals(Optional.of(event))) {
        told = Optional.of(event);
        write(event, isEnd);
        return;
      }
    }
  }

  private String event(Optional<JobView> view) {
    String name =
        view.map(
                job ->
                    switch (job.status()) {
                      case COMPLETED -> "completed";
                      case FAILED -> "failed";
                      case CANCELLED -> "cancelled";
                      default -> "progress";
                    })
            .orElse("deleted");
    ObjectNode data = view.map(VideoObjects::video).orElseGet(() -> VideoObjects.deleted(id));
    return "event: %s\ndata: %s\n\n".formatted(name, Replies.text(data));
  }

  private void write(String event, boolean isEnd) {
    if (isEnd) {
      end();
      call.response().write(true, UTF_8.encode(event), call.callback());
    } else {
      call.response().write(false, UTF_8.encode(event), Callback.from(this::written, this::gone));
    }
  }

  private void written() {
    next();
  }

  private void gone(Throwable failure) {
    end();
    call.callback().failed(failure);
  }

  private synchronized void end() {
    ended = true;
    watch.ifPresent(Jobs.Watch::close);
  }
}
