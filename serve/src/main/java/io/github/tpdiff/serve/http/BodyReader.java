package io.github.tpdiff.serve.http;

import io.github.tpdiff.serve.http.Refusal.Kind;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Reads bodies into memory without a thread that waits for slow ones; each in a time, each of a
 * size, and all of them together of a size.
 */
public final class BodyReader {
  private static final Duration RETRY = Duration.ofSeconds(2);

  private final Bounds bounds;
  private final AtomicLong held = new AtomicLong();

  /**
   * What bodies may take.
   *
   * @param mostBytes of one
   * @param mostHeld of all that are read or used at a time
   * @param deadline from the first byte of a request to the last of its body
   */
  public record Bounds(int mostBytes, long mostHeld, Duration deadline) {}

  public BodyReader(Bounds bounds) {
    this.bounds = bounds;
  }

  /** What is done with a body; its bytes count as held until it returns. */
  @FunctionalInterface
  public interface BodyUse {
    void accept(byte[] body) throws Exception;
  }

  /**
   * Reads the body of a call, then uses it, on a thread of the server's; what goes wrong is
   * answered. Of a body that is refused, as much again is read and thrown away: a client that still
   * sends when the connection closes may never see the answer.
   */
  public void read(Routes.Exchange call, BodyUse use) {
    Request request = call.request();
    var reading = new Reading(request);
    Scheduler.Task deadline =
        request
            .getComponents()
            .getScheduler()
            .schedule(reading::late, bounds.deadline.toMillis(), TimeUnit.MILLISECONDS);
    var unused =
        reading.body.handle(
            (body, failure) -> {
              deadline.cancel();
              try {
                if (failure != null) {
                  throw failure;
                }
                use.accept(body);
              } catch (Throwable wrong) {
                call.fail(wrong);
              } finally {
                reading.release();
              }
              return null;
            });
    reading.run();
  }

  private Refusal tooLarge() {
    return Refusal.of(
        Kind.TOO_LARGE, "body: expected at most %d bytes, found more".formatted(bounds.mostBytes));
  }

  /** One body on its way. */
  private final class Reading {
    private final Request request;
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private long charged;
    private boolean released;
    private Optional<Refusal> refused;
    private long thrownAway;

    Reading(Request request) {
      this.request = request;
      this.refused =
          request.getLength() > bounds.mostBytes ? Optional.of(tooLarge()) : Optional.empty();
    }

    /** Takes what there is, and asks to be called again. */
    void run() {
      while (!body.isDone()) {
        Content.Chunk chunk = request.read();
        if (chunk == null) {
          request.demand(this::run);
          return;
        }
        if (Content.Chunk.isFailure(chunk)) {
          body.completeExceptionally(
              Refusal.of(Kind.TOO_SLOW, "body: it broke off, or nothing came for too long"));
          return;
        }
        boolean isLast = chunk.isLast();
        try {
          take(chunk);
        } finally {
          chunk.release();
        }
        if (isLast || thrownAway > bounds.mostBytes) {
          end();
        }
      }
    }

    private void end() {
      refused.ifPresentOrElse(
          body::completeExceptionally, () -> body.complete(bytes.toByteArray()));
    }

    private void take(Content.Chunk chunk) {
      if (refused.isPresent()) {
        thrownAway += chunk.remaining();
        return;
      }
      try {
        keep(chunk);
      } catch (Refusal refusal) {
        refused = Optional.of(refusal);
      }
    }

    private void keep(Content.Chunk chunk) {
      int size = chunk.remaining();
      if (bytes.size() + (long) size > bounds.mostBytes) {
        throw tooLarge();
      }
      charge(size);
      bytes.writeBytes(BufferUtil.toArray(chunk.getByteBuffer()));
    }

    private synchronized void charge(int size) {
      if (released) {
        return; // it came too late, and is not kept
      }
      charged += size;
      if (held.addAndGet(size) > bounds.mostHeld) {
        throw Refusal.later(
            Kind.UNAVAILABLE, "too many large bodies at a time; send it again", RETRY);
      }
    }

    synchronized void release() {
      released = true;
      held.addAndGet(-charged);
    }

    void late() {
      body.completeExceptionally(
          Refusal.of(
              Kind.TOO_SLOW,
              "body: expected all of it within %d s, found less"
                  .formatted(bounds.deadline.toSeconds())));
    }
  }
}
