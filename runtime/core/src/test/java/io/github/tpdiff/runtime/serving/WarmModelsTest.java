package io.github.tpdiff.runtime.serving;

import static io.github.tpdiff.runtime.serving.LinearService.alone;
import static io.github.tpdiff.runtime.serving.LinearService.order;
import static io.github.tpdiff.runtime.serving.LinearService.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.model.ForwardingParts;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What stays loaded between generations, and what leaves. */
@Timeout(60)
class WarmModelsTest {
  /** Of a video: text encoder 2 bytes, conditioning 1, denoiser 4, decoders 1 and 3. */
  private static final int BYTES = 11;

  private static void make(VideoService service, String model) {
    assertThat(
            service
                .submit(VideoOrder.of(model, request(1)), GeneratedVideo::clip)
                .result()
                .join()
                .data())
        .containsExactly(alone(1));
  }

  private static VideoService open(Map<String, ModelOpener> models, long warmBytes) {
    return VideoService.open(
        new ServiceSetup(List.of(models), Map.of(), new ServiceLimits(4, warmBytes)));
  }

  private static List<String> loadings(FunctionParts parts) {
    return parts.events().stream().filter(event -> event.startsWith("+")).toList();
  }

  @Test
  void nextGeneration_loadsNothingAgain() {
    var parts = new LinearVideoModel().parts();
    try (VideoService service = open(Map.of("linear", loras -> parts), 1000)) {
      make(service, "linear");
      assertThat(loadings(parts)).hasSize(5);
      assertThat(service.load().warmBytes()).isEqualTo(BYTES);
      make(service, "linear");
      make(service, "linear");
      assertThat(loadings(parts)).hasSize(5);
      assertThat(parts.events()).noneMatch(event -> event.startsWith("-"));
    }
    assertThat(parts.events()).filteredOn(event -> event.startsWith("-")).hasSize(5);
  }

  @Test
  void modelUsedLeastRecently_leavesWhenAnotherNeedsItsMemory() {
    var one = new LinearVideoModel().parts();
    var two = new LinearVideoModel().parts();
    var three = new LinearVideoModel().parts();
    Map<String, ModelOpener> models =
        Map.of("one", loras -> one, "two", loras -> two, "three", loras -> three);
    try (VideoService service = open(models, 2 * BYTES)) {
      make(service, "one");
      make(service, "two");
      make(service, "one");
      make(service, "three");
      assertThat(two.events()).filteredOn(event -> event.startsWith("-")).hasSize(5);
      assertThat(one.events()).noneMatch(event -> event.startsWith("-"));
      assertThat(service.load().warmBytes()).isEqualTo(2 * BYTES);
      make(service, "one");
      assertThat(loadings(one)).hasSize(5);
    }
  }

  /** The denoiser alone is as much as may stay: all else leaves for it, as without this. */
  @Test
  void modelLargerThanTheLimit_isMadeAllTheSame() {
    var parts = new LinearVideoModel().parts();
    try (VideoService service = open(Map.of("linear", loras -> parts), 4)) {
      make(service, "linear");
      assertThat(parts.events().subList(0, 5))
          .containsExactly(
              "+text_encoder",
              "+transformer/conditioning",
              "-text_encoder",
              "-transformer/conditioning",
              "+transformer");
      make(service, "linear");
      assertThat(service.load().warmBytes()).isLessThanOrEqualTo(4);
    }
    long loaded = loadings(parts).size();
    assertThat(parts.events()).hasSize((int) (2 * loaded));
  }

  /** One that holds nothing of the other, though the limit allows both. */
  @Test
  void whatCannotBeLoadedBesideOthers_isLoadedInTheirPlace() {
    var one = new LinearVideoModel().parts();
    var two = new LinearVideoModel().parts();
    two.loading(
        () -> {
          if (one.events().stream().mapToInt(event -> event.startsWith("+") ? 1 : -1).sum() > 0) {
            throw new CheckpointException("no memory");
          }
        });
    try (VideoService service = open(Map.of("one", loras -> one, "two", loras -> two), 1000)) {
      make(service, "one");
      make(service, "two");
      assertThat(service.load().warmBytes()).isEqualTo(BYTES);
      assertThat(loadings(two)).hasSize(5);
    }
  }

  @Test
  void withoutMemoryToStayIn_everythingIsFreed() {
    var parts = new LinearVideoModel().parts();
    try (VideoService service = open(Map.of("linear", loras -> parts), 0)) {
      make(service, "linear");
      assertThat(service.load().warmBytes()).isZero();
      assertThat(parts.events()).hasSize(10);
    }
  }

  /** Parts with some LoRAs: the denoiser is their own, all else is the checkpoint's. */
  private static final class WithLoras extends ForwardingParts {
    private final List<LoraChoice> loras;
    private final List<String> closed;

    WithLoras(PipelineParts parts, List<LoraChoice> loras, List<String> closed) {
      super(parts);
      this.loras = loras;
      this.closed = closed;
    }

    @Override
    public Object identity(String component) {
      return component.startsWith(LinearVideoModel.DENOISER)
          ? List.of(loras, component)
          : component;
    }

    @Override
    public void close() {
      loras.forEach(lora -> closed.add(lora.path().toString()));
    }
  }

  @Test
  void otherLoras_loadOnlyWhatTheyChange_andThoseNotUsedForLongAreClosed() {
    var parts = new LinearVideoModel().parts();
    var closed = new ArrayList<String>();
    Map<String, ModelOpener> models =
        Map.of("linear", loras -> new WithLoras(parts, loras, closed));
    var loras = new java.util.HashMap<String, LoraChoice>();
    for (int i = 0; i < 6; i++) {
      loras.put("lora" + i, LoraChoice.of(Path.of("lora" + i)));
    }
    var setup = new ServiceSetup(List.of(models), loras, new ServiceLimits(4, 1000));
    try (VideoService service = VideoService.open(setup)) {
      make(service, "linear");
      for (int i = 0; i < 6; i++) {
        service.submit(order(1).withLoras("lora" + i), GeneratedVideo::latents).result().join();
      }
      List<String> loaded = loadings(parts);
      assertThat(loaded).hasSize(5 + 2 * 6);
      assertThat(loaded).filteredOn(event -> event.contains("text_encoder")).hasSize(1);
      // Four stay open; of those that left, both components are free.
      assertThat(closed).containsExactly("lora0", "lora1");
      assertThat(parts.events()).filteredOn(event -> event.startsWith("-")).hasSize(4);
      service.submit(order(1).withLoras("lora5"), GeneratedVideo::latents).result().join();
      make(service, "linear");
      assertThat(loadings(parts)).hasSize(5 + 2 * 6);
    }
    assertThat(closed).hasSize(6);
  }
}
