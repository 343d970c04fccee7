package io.github.tpdiff.runtime.serving;

import static io.github.tpdiff.runtime.serving.LinearService.alone;
import static io.github.tpdiff.runtime.serving.LinearService.order;
import static io.github.tpdiff.runtime.serving.LinearService.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.PlannedVideo;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.Generation.State;
import io.github.tpdiff.runtime.serving.LinearService.Gate;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class VideoServiceTest {
  private static float[] frames(Generation<VideoClip> generation) {
    return generation.result().join().data();
  }

  @Test
  void videos_areThoseOfThePipelineAlone_coldAndWarm() {
    try (VideoService service = LinearService.open(4)) {
      for (long seed : new long[] {7, 8, 7}) {
        assertThat(frames(service.submit(order(seed), GeneratedVideo::clip)))
            .containsExactly(alone(seed));
      }
    }
  }

  @Test
  void ordersFromManyThreads_allComeToTheirOwnVideo() throws Exception {
    var made = new ConcurrentHashMap<Long, Generation<VideoClip>>();
    try (VideoService service = LinearService.open(400)) {
      var threads = new ArrayList<Thread>();
      for (int t = 0; t < 8; t++) {
        int first = 25 * t;
        threads.add(
            new Thread(
                () -> {
                  for (long seed = first; seed < first + 25; seed++) {
                    made.put(seed, service.submit(order(seed), GeneratedVideo::clip));
                  }
                }));
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(made).hasSize(200);
      made.forEach((seed, own) -> assertThat(frames(own)).containsExactly(alone(seed)));
      assertThat(made.values().stream().map(Generation::id).distinct()).hasSize(200);
      assertThat(service.load().queued()).isZero();
      assertThat(service.load().running()).isZero();
    }
  }

  @Test
  void ordersOfOneDevice_areBegunAsTheyCame() {
    var begun = Collections.synchronizedList(new ArrayList<Integer>());
    var gate = new Gate();
    try (VideoService service = LinearService.open(20)) {
      service.submit(order(0), GeneratedVideo::latents, gate);
      gate.await();
      var waiting = new ArrayList<Generation<?>>();
      for (int i = 0; i < 20; i++) {
        int own = i;
        waiting.add(
            service.submit(
                order(i),
                GeneratedVideo::latents,
                new GenerationListener() {
                  @Override
                  public void onPhase(Phase phase) {
                    if (phase == Phase.TEXT) {
                      begun.add(own);
                    }
                  }
                }));
        assertThat(waiting.get(i).ahead()).isEqualTo(i);
      }
      gate.open();
      waiting.forEach(own -> own.result().join());
    }
    assertThat(begun).isSorted().hasSize(20);
  }

  /** Each waits for the other, which only one that runs beside it can end. */
  @Test
  void twoDevices_makeTwoVideosAtOnce() {
    var both = new CyclicBarrier(2);
    var listener =
        new GenerationListener() {
          @Override
          public void onStep(StepDone step) {
            try {
              both.await();
            } catch (Exception broken) {
              throw new IllegalStateException(broken);
            }
          }
        };
    Map<String, ModelOpener> one = Map.of("linear", loras -> new LinearVideoModel().parts());
    Map<String, ModelOpener> two = Map.of("linear", loras -> new LinearVideoModel().parts());
    var setup = new ServiceSetup(List.of(one, two), Map.of(), new ServiceLimits(2, 1000));
    try (VideoService service = VideoService.open(setup)) {
      var first = service.submit(order(1), GeneratedVideo::clip, listener);
      var second = service.submit(order(2), GeneratedVideo::clip, listener);
      assertThat(frames(first)).containsExactly(alone(1));
      assertThat(frames(second)).containsExactly(alone(2));
    }
  }

  /** The one that waits in front needs the device that is held; the one behind it does not. */
  @Test
  void orderOfAModelOnAnotherDevice_doesNotWaitForTheFirst() {
    Map<String, ModelOpener> one = Map.of("one", loras -> new LinearVideoModel().parts());
    Map<String, ModelOpener> two = Map.of("two", loras -> new LinearVideoModel().parts());
    var setup = new ServiceSetup(List.of(one, two), Map.of(), new ServiceLimits(4, 1000));
    var gate = new Gate();
    try (VideoService service = VideoService.open(setup)) {
      service.submit(VideoOrder.of("one", request(1)), GeneratedVideo::latents, gate);
      gate.await();
      var waits = service.submit(VideoOrder.of("one", request(2)), GeneratedVideo::clip);
      var passes = service.submit(VideoOrder.of("two", request(3)), GeneratedVideo::clip);
      assertThat(frames(passes)).containsExactly(alone(3));
      assertThat(waits.state()).isEqualTo(State.QUEUED);
      gate.open();
      assertThat(frames(waits)).containsExactly(alone(2));
    }
  }

  @Test
  void fullQueue_saysWhenToAskAgain_untilAPlaceIsFree() {
    var gate = new Gate();
    try (VideoService service = LinearService.open(2)) {
      var running = service.submit(order(0), GeneratedVideo::clip, gate);
      gate.await();
      var first = service.submit(order(1), GeneratedVideo::clip);
      var second = service.submit(order(2), GeneratedVideo::clip);
      assertThat(service.load().queued()).isEqualTo(2);
      assertThat(service.load().running()).isEqualTo(1);
      assertThatThrownBy(() -> service.submit(order(3), GeneratedVideo::clip))
          .isInstanceOfSatisfying(
              QueueFullException.class,
              full -> assertThat(full.retryAfter().toSeconds()).isBetween(1L, 10L))
          .hasMessageContaining("fewer than 2 waiting");
      assertThat(second.cancel()).isTrue();
      var third = service.submit(order(3), GeneratedVideo::clip);
      gate.open();
      assertThat(frames(running)).containsExactly(alone(0));
      assertThat(frames(first)).containsExactly(alone(1));
      assertThat(frames(third)).containsExactly(alone(3));
    }
  }

  @Test
  void states_areSetAndThePlaceIsFree_whenTheFutureCompletes() {
    try (VideoService service = LinearService.open(0)) {
      for (int i = 0; i < 50; i++) {
        var generation = service.submit(order(i), GeneratedVideo::latents);
        State seen = generation.result().thenApply(latents -> generation.state()).join();
        assertThat(seen).isEqualTo(State.COMPLETED);
        assertThat(generation.progress()).isEqualTo(100);
      }
    }
  }

  @Test
  void progress_countsStepsThenFrames_andLatentsSharpenToTheResult() {
    var seen = new ArrayList<Integer>();
    var generation = new ArrayList<Generation<VideoClip>>();
    var latents = new ArrayList<float[]>();
    var gate = new Gate();
    var listener =
        new GenerationListener() {
          @Override
          public void onPhase(Phase phase) {
            gate.onPhase(phase);
          }

          @Override
          public void onStep(StepDone step) {
            seen.add(generation.get(0).progress());
            latents.add(step.latents().data().clone());
          }

          @Override
          public void onFrame(int done, int frames) {
            seen.add(generation.get(0).progress());
          }
        };
    var sampled = new ArrayList<float[]>();
    try (VideoService service = LinearService.open(1)) {
      generation.add(
          service.submit(
              order(3),
              video -> {
                sampled.add(video.latents().data());
                return video.clip();
              },
              listener));
      gate.open();
      generation.get(0).result().join();
    }
    // Three steps to 90, then five frames to 99.
    assertThat(seen).containsExactly(30, 60, 90, 91, 93, 95, 97, 99);
    assertThat(latents).hasSize(3);
    assertThat(latents.get(2)).containsExactly(sampled.get(0));
    assertThat(latents.get(1)).isNotEqualTo(latents.get(2));
  }

  @Test
  void check_saysWhatAnOrderComesTo_orWhatIsWrongWithIt() {
    try (VideoService service = LinearService.open(1)) {
      PlannedVideo planned = service.check(order(1));
      assertThat(planned.request().size()).isEqualTo(new VideoSize(16, 32, 5, 16));
      assertThat(planned.sampler().totalSteps()).isEqualTo(3);
      var odd = VideoOrder.of("linear", request(1).withSize(new VideoSize(17, 32, 5, 16)));
      assertThatThrownBy(() -> service.check(odd))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("17");
      assertThatThrownBy(() -> service.submit(odd, GeneratedVideo::clip))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(service.description("linear").family()).isEqualTo("linear");
    }
  }

  @Test
  void nameThatStandsForNothing_isSaidInOneLine_withTheNearest() {
    var setup =
        LinearService.setup(new LinearVideoModel().parts(), 1)
            .withLoras(Map.of("fox", LoraChoice.of(Path.of("fox.safetensors"))));
    try (VideoService service = VideoService.open(setup)) {
      assertThat(service.models()).containsExactly("linear");
      assertThat(service.loras()).containsExactly("fox");
      assertThatThrownBy(
              () -> service.submit(VideoOrder.of("liner", request(1)), GeneratedVideo::clip))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("model: expected one of [linear], found 'liner'; the nearest is 'linear'");
      assertThatThrownBy(() -> service.submit(order(1).withLoras("fax"), GeneratedVideo::clip))
          .hasMessage("lora: expected one of [fox], found 'fax'; the nearest is 'fox'");
      assertThatThrownBy(() -> service.description("wan")).hasMessageContaining("found 'wan'");
    }
    try (VideoService service = LinearService.open(1)) {
      assertThatThrownBy(() -> service.submit(order(1).withLoras("fox"), GeneratedVideo::clip))
          .hasMessage("lora: expected none, as this service has none, found 'fox'");
    }
  }

  @Test
  void lorasByName_reachTheOpenerAfterTheRequestsOwn_withTheOrdersStrengths() throws Exception {
    var opened = Collections.synchronizedList(new ArrayList<List<LoraChoice>>());
    var own = LoraChoice.of(Path.of("own.safetensors"));
    var low = new LoraChoice(Path.of("low"), Optional.of(0.5), Optional.of("low_noise"));
    var loras = new HashMap<String, LoraChoice>();
    loras.put("fox", LoraChoice.of(Path.of("fox")));
    loras.put("low", low);
    ModelOpener opener =
        chosen -> {
          opened.add(chosen);
          return new LinearVideoModel().parts();
        };
    var setup =
        ServiceSetup.of(Map.of("linear", opener))
            .withLoras(loras)
            .withLimits(ServiceLimits.ofThisMachine().withQueued(1));
    var order =
        new VideoOrder(
            "linear",
            request(1).withLoras(List.of(own)),
            List.of(new NamedLora("fox", Optional.of(0.25)), NamedLora.of("low")));
    try (VideoService service = VideoService.open(setup)) {
      service.submit(order, GeneratedVideo::clip).result().get(30, TimeUnit.SECONDS);
    }
    var fox = new LoraChoice(Path.of("fox"), Optional.of(0.25), Optional.empty());
    assertThat(opened).containsExactly(List.of(), List.of(own, fox, low));
  }

  @Test
  void videoThatIsUsedAfterItsGeneration_saysSo() throws Exception {
    try (VideoService service = LinearService.open(1)) {
      GeneratedVideo kept = service.submit(order(1), video -> video).result().get();
      assertThat(kept.latents().data()).isNotEmpty();
      assertThatThrownBy(kept::clip)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("has ended");
    } catch (ExecutionException failure) {
      throw new AssertionError(failure);
    }
  }
}
