package io.github.tpdiff.runtime.serving;

import static io.github.tpdiff.runtime.serving.LinearService.alone;
import static io.github.tpdiff.runtime.serving.LinearService.order;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.Uninterruptibles;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.serving.Generation.State;
import io.github.tpdiff.runtime.serving.LinearService.Gate;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every way in which a generation ends but the good one, and what comes after it. */
@Timeout(60)
class GenerationEndTest {
  private static void assertCancelled(Generation<?> generation) {
    assertThatThrownBy(() -> generation.result().join()).isInstanceOf(CancellationException.class);
    assertThat(generation.result()).isCancelled();
    assertThat(generation.state()).isEqualTo(State.CANCELLED);
    assertThat(generation.cancel()).isFalse();
  }

  private static void assertMakes(VideoService service, long seed) {
    assertThat(service.submit(order(seed), GeneratedVideo::clip).result().join().data())
        .containsExactly(alone(seed));
  }

  @Test
  void cancelledWhileItWaits_itNeverBegins_andEndsAtOnce() {
    var gate = new Gate();
    var begun = new AtomicInteger();
    try (VideoService service = LinearService.open(1)) {
      service.submit(order(0), GeneratedVideo::latents, gate);
      gate.await();
      var waiting =
          service.submit(
              order(1),
              GeneratedVideo::latents,
              new GenerationListener() {
                @Override
                public void onPhase(Phase phase) {
                  begun.incrementAndGet();
                }
              });
      assertThat(waiting.cancel()).isTrue();
      assertCancelled(waiting); // the device is still held
      gate.open();
      assertMakes(service, 2);
    }
    assertThat(begun).hasValue(0);
  }

  /** In the middle of the denoiser, which is told nothing: the next run does not begin. */
  @Test
  void cancelledInAStep_itEndsWithTheRun_andTheNextIsWell() {
    var model = new LinearVideoModel();
    var inStep = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var runs = new AtomicInteger();
    FunctionParts parts = model.parts();
    parts.before(
        LinearVideoModel.DENOISER,
        () -> {
          runs.incrementAndGet();
          inStep.countDown();
          Uninterruptibles.awaitUninterruptibly(go);
        });
    try (VideoService service = VideoService.open(LinearService.setup(parts, 1))) {
      var generation = service.submit(order(0), GeneratedVideo::latents);
      Uninterruptibles.awaitUninterruptibly(inStep);
      assertThat(generation.state()).isEqualTo(State.RUNNING);
      assertThat(generation.cancel()).isTrue();
      go.countDown();
      assertCancelled(generation);
      assertThat(runs).hasValue(1);
      assertMakes(service, 5);
    }
    // What was cancelled is well, and stays loaded.
    assertThat(parts.events().stream().filter("+transformer"::equals)).hasSize(1);
  }

  @Test
  void cancelledWhileItDecodes_noFurtherFrameIsMade() {
    var frames = new ArrayList<Integer>();
    var self = new CompletableFuture<Generation<VideoClip>>();
    try (VideoService service = LinearService.open(1)) {
      self.complete(
          service.submit(
              order(0),
              GeneratedVideo::clip,
              new GenerationListener() {
                @Override
                public void onFrame(int done, int of) {
                  frames.add(done);
                  self.join().cancel();
                }
              }));
      assertCancelled(self.join());
      assertMakes(service, 5);
    }
    // The first chunk is one frame; the second is not run.
    assertThat(frames).containsExactly(1);
  }

  @Test
  void cancelledWhenItIsDone_itStaysAsItIs() {
    try (VideoService service = LinearService.open(1)) {
      var generation = service.submit(order(3), GeneratedVideo::clip);
      assertThat(generation.result().join().data()).containsExactly(alone(3));
      assertThat(generation.cancel()).isFalse();
      assertThat(generation.state()).isEqualTo(State.COMPLETED);
    }
  }

  @Test
  void cancelledWhileItsVideoIsUsed_itEndsCancelled_whateverComesOfThat() {
    var self = new CompletableFuture<Generation<String>>();
    try (VideoService service = LinearService.open(1)) {
      self.complete(
          service.submit(
              order(0),
              video -> {
                assertThat(self.join().cancel()).isTrue();
                return "made";
              }));
      assertCancelled(self.join());
    }
  }

  @Test
  void futureThatIsTakenBackOrTimesOut_cancelsItsGeneration() {
    var gate = new Gate();
    try (VideoService service = LinearService.open(2)) {
      service.submit(order(0), GeneratedVideo::latents, gate);
      gate.await();
      var takenBack = service.submit(order(1), GeneratedVideo::latents);
      takenBack.result().cancel(true);
      assertThat(takenBack.state()).isEqualTo(State.CANCELLED);
      var late = service.submit(order(2), GeneratedVideo::latents);
      CompletableFuture<Latents> timed = late.result().orTimeout(1, TimeUnit.MILLISECONDS);
      assertThatThrownBy(timed::join).isInstanceOf(CompletionException.class);
      while (late.state() != State.CANCELLED) { // after its future, by the timer's thread
        Thread.onSpinWait();
      }
      gate.open();
      assertMakes(service, 5);
    }
  }

  @Test
  void listenerThatThrows_endsItsGenerationWithThat_andTheNextIsWell() {
    var thrown = new IllegalStateException("seen enough");
    try (VideoService service = LinearService.open(1)) {
      var generation =
          service.submit(
              order(0),
              GeneratedVideo::latents,
              new GenerationListener() {
                @Override
                public void onStep(StepDone step) {
                  throw thrown;
                }
              });
      assertThatThrownBy(() -> generation.result().join()).hasCause(thrown);
      assertThat(generation.state()).isEqualTo(State.FAILED);
      assertMakes(service, 5);
    }
  }

  /** What a failure leaves in a component nobody knows; and it may be that memory is short. */
  @Test
  void afterAComponentThatFails_theNextLoadsEverythingAgain() {
    var model = new LinearVideoModel();
    var times = new AtomicInteger();
    FunctionParts parts = model.parts();
    parts.before(
        LinearVideoModel.DENOISER,
        () -> {
          if (times.incrementAndGet() == 2) {
            throw new CheckpointException("no memory");
          }
        });
    try (VideoService service = VideoService.open(LinearService.setup(parts, 1))) {
      var generation = service.submit(order(0), GeneratedVideo::latents);
      assertThatThrownBy(() -> generation.result().join())
          .hasCause(new CheckpointException("no memory"));
      assertMakes(service, 5);
    }
    assertThat(parts.events().stream().filter("+transformer"::equals)).hasSize(2);
    assertThat(parts.events().stream().filter("+text_encoder"::equals)).hasSize(2);
  }

  @Test
  void errorOfTheVirtualMachine_endsOneGeneration_notTheDevice() {
    try (VideoService service = LinearService.open(1)) {
      var generation =
          service.submit(
              order(0),
              video -> {
                throw new OutOfMemoryError("made up");
              });
      assertThatThrownBy(() -> generation.result().join())
          .hasCauseInstanceOf(OutOfMemoryError.class);
      assertMakes(service, 5);
    }
  }

  @Test
  void threadThatAListenerInterrupts_isNotInterruptedForTheNext() {
    var interrupted = new AtomicReference<Boolean>();
    try (VideoService service = LinearService.open(1)) {
      service
          .submit(
              order(0),
              video -> {
                Thread.currentThread().interrupt();
                return video.latents();
              })
          .result()
          .join();
      service
          .submit(
              order(1),
              video -> {
                interrupted.set(Thread.currentThread().isInterrupted());
                return video.latents();
              })
          .result()
          .join();
    }
    assertThat(interrupted).hasValue(false);
  }

  /** With one thread for both, the first would wait for ever. */
  @Test
  void completionThatWaitsForTheNextGeneration_stopsNothing() {
    var gate = new Gate();
    try (VideoService service = LinearService.open(2)) {
      var first = service.submit(order(0), GeneratedVideo::clip, gate);
      gate.await();
      var second = service.submit(order(1), GeneratedVideo::clip);
      var third = service.submit(order(2), GeneratedVideo::clip);
      CompletableFuture<VideoClip> both =
          first
              .result()
              .thenApply(clip -> second.result().thenApply(c -> third.result().join()).join());
      gate.open();
      assertThat(both.join().data()).containsExactly(alone(2));
    }
  }

  @Test
  void closedService_hasEndedEverything_andFreedAllThatWasLoaded() {
    var parts = new LinearVideoModel().parts();
    var closed = Collections.synchronizedList(new ArrayList<String>());
    ModelOpener opener =
        new ModelOpener() {
          @Override
          public PipelineParts open(List<LoraChoice> loras) {
            return parts;
          }

          @Override
          public void close() {
            closed.add("opener");
            closed.addAll(parts.events());
          }
        };
    var gate = new Gate();
    Map<String, ModelOpener> models = Map.of(LinearService.MODEL, opener);
    var setup = new ServiceSetup(List.of(models), Map.of(), new ServiceLimits(2, 1000));
    VideoService service = VideoService.open(setup);
    assertMakes(service, 1);
    var running = service.submit(order(0), GeneratedVideo::latents, gate);
    gate.await();
    var waiting = service.submit(order(1), GeneratedVideo::latents);
    var closing = new Thread(service::close);
    closing.start();
    assertCancelled(waiting);
    gate.open();
    Uninterruptibles.joinUninterruptibly(closing);
    assertThat(running.state()).isEqualTo(State.CANCELLED);
    assertCancelled(running);
    assertThatThrownBy(() -> service.submit(order(2), GeneratedVideo::latents))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the service is closed");
    assertThat(closed).startsWith("opener").containsOnlyOnce("opener");
    long loaded = closed.stream().filter(event -> event.startsWith("+")).count();
    assertThat(closed.stream().filter(event -> event.startsWith("-"))).hasSize((int) loaded);
    assertThat(service.load()).isEqualTo(new ServiceLoad(0, 0, 0));
    service.close();
  }

  @Test
  void openerOfTwoDevices_isClosedOnce_afterBoth() {
    var closed = new AtomicInteger();
    ModelOpener opener =
        new ModelOpener() {
          @Override
          public PipelineParts open(List<LoraChoice> loras) {
            return new LinearVideoModel().parts();
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    Map<String, ModelOpener> models = Map.of(LinearService.MODEL, opener);
    var setup = new ServiceSetup(List.of(models, models), Map.of(), new ServiceLimits(2, 1000));
    try (VideoService service = VideoService.open(setup)) {
      assertMakes(service, 1);
      assertThat(closed).hasValue(0);
    }
    assertThat(closed).hasValue(1);
  }

  @Test
  void serviceThatAListenerCloses_endsItsOwnGenerationToo() {
    VideoService service = LinearService.open(1);
    var generation =
        service.submit(
            order(0),
            GeneratedVideo::latents,
            new GenerationListener() {
              @Override
              public void onStep(StepDone step) {
                service.close();
              }
            });
    assertCancelled(generation);
    service.close();
    assertThatThrownBy(() -> service.check(order(0))).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void modelThatCannotBeOpened_isKnownAtOnce_andTheOthersAreClosed() {
    var closed = new AtomicInteger();
    ModelOpener well =
        new ModelOpener() {
          @Override
          public PipelineParts open(List<LoraChoice> loras) {
            return new LinearVideoModel().parts();
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    ModelOpener damaged =
        loras -> {
          throw new CheckpointException("model.safetensors: cut short");
        };
    var setup =
        new ServiceSetup(
            List.of(Map.of("well", well), Map.of("damaged", damaged)),
            Map.of(),
            new ServiceLimits(1, 1));
    assertThatThrownBy(() -> VideoService.open(setup)).hasMessage("model.safetensors: cut short");
    assertThat(closed).hasValue(1);
  }
}
